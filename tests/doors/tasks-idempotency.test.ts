import { expect, test } from 'vitest';
import { temporaryDirectory } from '../support/directory.ts';
import { client, type Json, testNode } from '../support/node.ts';
import { serverProcess } from '../support/process.ts';

/** Commands that hand work over, each with a key of its own: what a worker sends from the first to the last. */
function dayOfWork(url: string) {
  const { get, send } = client(url);
  const key = (name: string) => ({ 'idempotency-key': name });
  return {
    create: () => send('POST', '/tasks', { title: 'x', createdBy: 'link' }, key('create')),
    other: () => send('POST', '/tasks', { title: 'y', createdBy: 'link' }, key('other')),
    claim: (id: string) => send('POST', `/tasks/${id}/claim`, { agent: 'kai' }, key('claim')),
    nextByGet: () => get('/tasks/next?agent=kai&claim=1', key('get')),
    nextByPost: () => send('POST', '/tasks/next', { agent: 'kai', claim: true }, key('post')),
    comment: (id: string) => send('POST', `/tasks/${id}/comments`, { author: 'kai', content: 'done' }, key('comment')),
    complete: (id: string, claim: string) =>
      send('POST', `/tasks/${id}/complete`, { claim, result: 1 }, key('complete')),
  };
}

test('each command that hands work over is done once, however often it is sent, also after the server was killed', async () => {
  using directory = temporaryDirectory();
  const first: Record<string, Json> = {};
  let head: number;
  {
    await using server = await serverProcess({ dir: directory.path });
    const day = dayOfWork(server.url);
    // Both at once: the second is the retry of somebody who was not answered in time.
    const twice = async (name: string, send: () => ReturnType<typeof day.create>) => {
      const [a, b] = await Promise.all([send(), send()]);
      expect([a.status, b.body], name).toEqual([200, a.body]);
      first[name] = a.body;
      return a.body;
    };
    const { task } = await twice('create', day.create);
    const { claim } = await twice('claim', () => day.claim(task.id));
    await twice('other', day.other);
    await twice('nextByGet', day.nextByGet);
    await client(server.url).send('POST', '/tasks', { title: 'z', createdBy: 'link' });
    await twice('nextByPost', day.nextByPost);
    await twice('comment', () => day.comment(task.id));
    await twice('complete', () => day.complete(task.id, claim.id));
    head = (await client(server.url).get('/health')).body.journal.head;
    await server.end('SIGKILL');
  }
  await using server = await serverProcess({ dir: directory.path });
  const day = dayOfWork(server.url);
  const { task, claim } = { ...first.create, ...first.claim } as Json;
  for (const [name, again] of [
    ['create', await day.create()],
    ['claim', await day.claim(task.id)],
    ['other', await day.other()],
    ['nextByGet', await day.nextByGet()],
    ['nextByPost', await day.nextByPost()],
    ['comment', await day.comment(task.id)],
    ['complete', await day.complete(task.id, claim.id)],
  ] as const) {
    expect([name, again.status, again.headers.get('idempotent-replay')]).toEqual([name, 200, 'true']);
    // The task is shown as it is now; what the command gave is what it gave then.
    const { task: now, ...given } = again.body;
    const { task: then, ...gave } = first[name];
    expect(given).toEqual(gave);
    expect(now?.id).toBe(then?.id);
  }
  expect((await client(server.url).get('/health')).body.journal.head).toBe(head);
});

test('a claim that is sent again is answered with that claim, and refused where another has the task by now', async () => {
  await using server = await testNode();
  const { id } = (await server.send('POST', '/tasks', { title: 'x', createdBy: 'link' })).body.task;
  const send = () => server.send('POST', `/tasks/${id}/claim`, { agent: 'kai' }, { 'idempotency-key': 'k' });
  const { claim } = (await send()).body;
  expect((await send()).body.claim).toEqual(claim);
  await server.send('POST', `/tasks/${id}/claim`, { agent: 'pixel', takeover: true });
  const again = await send();
  expect([again.status, again.body.code, again.body.assignee]).toEqual([409, 'stale_claim', 'pixel']);
});

test('a key is for one request: the same with another claim or another task is refused', async () => {
  await using server = await testNode();
  const ids: string[] = [];
  for (let i = 0; i < 2; i++)
    ids.push((await server.send('POST', '/tasks', { title: 'x', createdBy: 'link' })).body.task.id);
  const claim = (id: string, more: object = {}) =>
    server.send('POST', `/tasks/${id}/claim`, { agent: 'kai', ...more }, { 'idempotency-key': 'k' });
  expect((await claim(ids[0] as string)).status).toBe(200);
  for (const other of [await claim(ids[1] as string), await claim(ids[0] as string, { ttl: 5 })])
    expect([other.status, other.body.code]).toEqual([422, 'idempotency_key_reused']);
  expect((await server.get(`/tasks/${ids[1]}`)).body.task.status).toBe('todo');
});

test('a key with which nothing was found is free: the retry finds what has come since', async () => {
  await using server = await testNode();
  const next = () => server.get('/tasks/next?agent=kai&claim=1', { 'idempotency-key': 'k' });
  expect((await next()).body.task).toBeNull();
  const { id } = (await server.send('POST', '/tasks', { title: 'x', createdBy: 'link' })).body.task;
  expect((await next()).body.task.id).toBe(id);
  await server.send('POST', '/tasks', { title: 'y', createdBy: 'link' });
  expect((await next()).body.task.id).toBe(id);
});
