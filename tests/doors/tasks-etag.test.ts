import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Answer, type TestNode, testNode } from '../support/node.ts';
import { openSocket } from '../support/ws.ts';

let server: TestNode;
beforeAll(async () => {
  server = await testNode();
});
afterAll(() => server[Symbol.asyncDispose]());

/** A new task: its path, and its tag. */
async function create(): Promise<{ id: string; path: string; tag: string }> {
  const { body, headers } = await server.send('POST', '/tasks', { title: 'x', createdBy: 'link' });
  return { id: body.task.id, path: `/tasks/${body.task.id}`, tag: headers.get('etag') as string };
}
const told = ({ status, body }: Answer) => [status, body.code];

test('the tag is the seq of what last changed the task, in every answer that shows it', async () => {
  const { path, tag } = await create();
  const read = await server.get(path);
  expect([tag, read.headers.get('etag')]).toEqual([`"${read.body.task.seq}"`, tag]);
  for (const [method, suffix, body] of [
    ['PATCH', '', { assignee: 'kai' }],
    ['POST', '/claim', { agent: 'kai' }],
    ['POST', '/release', { agent: 'kai' }],
  ] as const) {
    const { headers, body: answer } = await server.send(method, path + suffix, body);
    expect(headers.get('etag')).toBe(`"${answer.task.seq}"`);
    expect(headers.get('etag')).toBe(`"${headers.get('x-seq')}"`);
  }
  expect((await server.get('/tasks')).headers.get('etag')).toBeNull();
});

test('of eight who change what they read, one does and seven are told that it was changed', async () => {
  const { path, tag } = await create();
  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, i) => server.send('PATCH', path, { title: `by ${i}` }, { 'if-match': tag })),
  );
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 412, 412, 412, 412, 412, 412, 412]);
  const winner = answers.find(({ status }) => status === 200) as Answer;
  for (const { status, body } of answers)
    if (status === 412) expect(body).toMatchObject({ code: 'precondition_failed', etag: winner.headers.get('etag') });
  expect((await server.get(path)).body.task).toEqual(winner.body.task);
});

test('If-Match stands before every command on a task, and what is refused changes nothing', async () => {
  const { path, tag } = await create();
  const old = { 'if-match': '"1", W/"2"' };
  for (const [method, suffix, body] of [
    ['PATCH', '', { status: 'done' }],
    ['DELETE', '', {}],
    ['POST', '/claim', { agent: 'kai' }],
    ['POST', '/review', { by: 'kai', verdict: 'approve' }],
  ] as const)
    expect(told(await server.send(method, path + suffix, body, old))).toEqual([412, 'precondition_failed']);
  expect((await server.get(path)).headers.get('etag')).toBe(tag);
  const matched = await server.send('POST', `${path}/claim`, { agent: 'kai' }, { 'if-match': `"1", ${tag}` });
  expect(matched.status).toBe(200);
  for (const [suffix, body] of [
    ['/complete', { agent: 'kai' }],
    ['/fail', { agent: 'kai', reason: 'x' }],
    ['/release', { agent: 'kai' }],
  ] as const)
    expect(told(await server.send('POST', path + suffix, body, { 'if-match': tag }))).toEqual([
      412,
      'precondition_failed',
    ]);
  expect((await server.send('DELETE', path, {}, { 'if-match': '*' })).status).toBe(200);
  // What is not there is refused as that (RFC 9110, 13.2.1).
  for (const any of ['*', tag])
    expect(told(await server.send('PATCH', path, { title: 'y' }, { 'if-match': any }))).toEqual([410, 'task_deleted']);
});

test('If-None-Match is not answered: figures that follow from other tasks change without a new tag', async () => {
  const { path, tag, id } = await create();
  await server.send('POST', '/tasks', { title: 'part', createdBy: 'link', parent: id });
  const { status, body } = await server.get(path, { 'if-none-match': tag });
  expect([status, body.task.subtasks]).toEqual([200, { total: 1, done: 0 }]);
});

test('a call on /ws brings the tag and is told it', async () => {
  const { id, tag } = await create();
  await using hub = await openSocket(`${server.url}/ws?agent=kai`);
  const call = async (ifMatch: string | number, title: string) => {
    hub.send({ type: 'call', id: title, op: 'tasks.update', input: { id, title }, ifMatch });
    return hub.next((frame) => frame.type === 'result' && frame.id === title);
  };
  const first = await call(tag, 'first');
  expect(first).toMatchObject({ ok: true, etag: `"${first.seq}"` });
  expect(await call(tag, 'late')).toMatchObject({
    ok: false,
    status: 412,
    code: 'precondition_failed',
    etag: first.etag,
  });
  expect(await call(first.seq, 'by number')).toMatchObject({ ok: true });
});

test('If-Match on what has no tag is refused, and nothing is done', async () => {
  const { head } = (await server.get('/health')).body.journal;
  for (const [path, body] of [
    ['/tasks', { title: 'x', createdBy: 'link' }],
    ['/chat/messages', { from: 'link', content: 'x' }],
  ] as const)
    for (const tag of ['"1"', '*'])
      expect(told(await server.send('POST', path, body, { 'if-match': tag }))).toEqual([412, 'precondition_failed']);
  expect((await server.get('/health')).body.journal.head).toBe(head);
});
