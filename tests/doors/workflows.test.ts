import { describe, expect, test } from 'vitest';
import { allEvents } from '../durability/audit.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { type Json, quietNode, type TestNode } from '../support/node.ts';
import { serverProcess } from '../support/process.ts';
import { openStream } from '../support/sse.ts';
import { openSocket } from '../support/ws.ts';

const RELEASE = {
  description: 'How we release',
  defaults: { priority: 'P1' },
  tasks: [
    { key: 'ship', title: 'Ship it', blocked_by: ['test', 'notes'], assignee: 'kai' },
    { key: 'test', title: 'Test it', blocked_by: ['build'], parent: 'all' },
    { key: 'notes', title: 'Write it down', due_in: 60 },
    { key: 'build', title: 'Build it', parent: 'all' },
    { key: 'all', title: 'Everything' },
  ],
};

async function head(server: TestNode): Promise<number> {
  return (await server.get('/health')).body.journal.head;
}

describe('a workflow over HTTP', () => {
  test('is put, got, listed, started, replaced and deleted', async () => {
    await using server = await quietNode();
    const put = await server.send('PUT', '/workflows/release?agent=link', RELEASE);
    expect([put.status, put.body.workflow]).toEqual([200, expect.objectContaining({ name: 'release', ...RELEASE })]);
    expect(put.headers.get('etag')).toBe(`"${put.headers.get('x-seq')}"`);
    await server.send('POST', '/workflows', { name: 'other', tasks: [{ key: 'a', title: 'A' }] });
    const list = await server.get('/workflows');
    expect(list.body.workflows.map(({ name }: Json) => name)).toEqual(['other', 'release']);

    const started = await server.send('POST', '/workflows/release/start', { createdBy: 'link' });
    expect(started.status).toBe(200);
    const { ids, tasks } = started.body;
    expect(tasks.map(({ title }: Json) => title)).toEqual(RELEASE.tasks.map(({ title }) => title));
    const ship = (await server.get(`/tasks/${ids.ship}`)).body.task;
    expect(ship).toMatchObject({
      blocked_by: [ids.test, ids.notes],
      open_blockers: 2,
      priority: 'P1',
      assignee: 'kai',
    });
    expect((await server.get(`/tasks/${ids.all}`)).body.task.subtasks).toEqual({ total: 2, done: 0 });
    expect((await server.get(`/tasks?parent=${ids.all}`)).body.total).toBe(2);
    // Nobody is offered what waits.
    const next = await server.send('POST', '/tasks/next', { agent: 'kai', claim: true });
    expect(next.body.task.title).toBe('Write it down');

    const replaced = await server.send('PUT', '/workflows/release', { tasks: [{ key: 'a', title: 'A' }] });
    expect(replaced.body.workflow).toMatchObject({ createdBy: 'link', started: 1, tasks: [{ key: 'a', title: 'A' }] });
    expect((await server.send('DELETE', '/workflows/release')).body).toEqual({ success: true });
    expect((await server.get('/workflows/release')).body.code).toBe('workflow_not_found');
    expect((await server.get('/tasks')).body.total).toBe(5);
  });

  test('is changed by one of those who saw it as it was, and by no other', async () => {
    await using server = await quietNode();
    const put = (title: string, tag?: string) =>
      server.send('PUT', '/workflows/w', { tasks: [{ key: 'a', title }] }, tag ? { 'if-match': tag } : {});
    expect((await put('none', '"1"')).body.code).toBe('precondition_failed');
    const tag = (await put('first')).headers.get('etag') as string;
    // To start it is not to change it.
    await server.send('POST', '/workflows/w/start', { createdBy: 'link' });
    expect((await server.get('/workflows/w')).headers.get('etag')).toBe(tag);
    const all = await Promise.all(Array.from({ length: 8 }, (_, i) => put(`${i}`, tag)));
    expect(all.map(({ status }) => status).sort()).toEqual([200, ...Array(7).fill(412)]);
    const won = all.findIndex(({ status }) => status === 200);
    expect((await server.get('/workflows/w')).body.workflow.tasks[0].title).toBe(`${won}`);
    const before = await head(server);
    expect((await server.send('DELETE', '/workflows/w', undefined, { 'if-match': tag })).status).toBe(412);
    expect(await head(server)).toBe(before);
    const now = all[won]?.headers.get('etag') as string;
    expect((await server.send('DELETE', '/workflows/w', undefined, { 'if-match': now })).status).toBe(200);
  });

  test('has no name that is a way, another word in a URL, or longer than a name', async () => {
    await using server = await quietNode();
    for (const name of ['..%2f..%2fetc', '%00', 'a%20b', '__proto__', '%F0%9F%92%A9', 'x'.repeat(65)])
      for (const [method, path, body] of [
        ['PUT', `/workflows/${name}`, { tasks: [{ key: 'a', title: 'A' }] }],
        ['GET', `/workflows/${name}`, undefined],
        ['POST', `/workflows/${name}/start`, { createdBy: 'link' }],
        ['DELETE', `/workflows/${name}`, undefined],
      ] as const) {
        const answer = await server.send(method, path, body);
        expect([path, answer.status, answer.body.code]).toEqual([path, 400, 'invalid_input']);
      }
    expect(await head(server)).toBe(0);
  });

  test('that is refused when it is saved or started leaves nothing behind', async () => {
    await using server = await quietNode();
    await server.send('PUT', '/workflows/release', RELEASE);
    const before = await head(server);
    const start = (more: object) => server.send('POST', '/workflows/release/start', { createdBy: 'link', ...more });
    for (const [answer, status, code] of [
      [await start({ parent: 'nobody' }), 422, 'unknown_task'],
      [await start({ defaults: { metadata: { text: 'x'.repeat(262_144) } } }), 413, 'too_large'],
      [await start({ defaults: { description: 'x'.repeat(300_000) } }), 400, 'invalid_input'],
      [await start({ createdBy: 'system' }), 400, 'invalid_input'],
      [
        await server.send('PUT', '/workflows/w', { tasks: [{ key: 'a', title: 'A', blocked_by: ['a'] }] }),
        422,
        'dependency_cycle',
      ],
      [
        await server.send('PUT', '/workflows/w', {
          tasks: [{ key: 'a', title: 'A', metadata: { text: 'x'.repeat(261_900) } }],
        }),
        413,
        'too_large',
      ],
    ] as const)
      expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect(await head(server)).toBe(before);
    expect((await server.get('/tasks')).body.total).toBe(0);
  });
});

test('a start over /ws is one transaction on every stream', async () => {
  await using server = await quietNode();
  await server.send('PUT', '/workflows/release', RELEASE);
  await using stream = await openStream(`${server.url}/events?after=now`);
  await stream.next(({ event }) => event === 'sync');
  await using hub = await openSocket(`${server.url}/ws?agent=link`);
  hub.send({ type: 'call', id: 1, op: 'workflows.start', input: { name: 'release' } });
  const { ok, result } = await hub.next(({ type }) => type === 'result');
  expect([ok, Object.keys(result.ids)]).toEqual([true, ['ship', 'test', 'notes', 'build', 'all']]);
  const seen: Json[] = [];
  while (seen.length < 7) seen.push((await stream.next(({ data }) => data.seq !== undefined)).data);
  expect(seen.map(({ type, data }) => [type, data.title ?? data.name])).toEqual([
    ['workflow_started', 'release'],
    ['task_created', 'Ship it'],
    ['task_assigned', 'Ship it'],
    ['task_created', 'Everything'],
    ['task_created', 'Test it'],
    ['task_created', 'Write it down'],
    ['task_created', 'Build it'],
  ]);
  expect(seen.map(({ tx }) => tx)).toEqual(seen.map((_, i) => ({ id: seen[0].seq, i: i + 1, n: 7 })));
  expect(seen.every(({ actor }) => actor === 'link')).toBe(true);
});

describe('a start with an idempotency key', () => {
  const KEY = { 'idempotency-key': 'once' };

  test('is done once by any number of callers, and told with what is left of its tasks', async () => {
    await using server = await quietNode();
    await server.send('PUT', '/workflows/release', RELEASE);
    const start = () => server.send('POST', '/workflows/release/start', { createdBy: 'link' }, KEY);
    const all = await Promise.all(Array.from({ length: 8 }, start));
    for (const { body } of all) expect(body.ids).toEqual(all[0]?.body.ids);
    expect((await server.get('/tasks')).body.total).toBe(5);
    await server.send('DELETE', `/tasks/${all[0]?.body.ids.notes}`);
    await server.send('DELETE', '/workflows/release');
    const again = await start();
    expect([again.status, again.headers.get('idempotent-replay'), again.body.ids]).toEqual([
      200,
      'true',
      all[0]?.body.ids,
    ]);
    expect(again.body.tasks).toHaveLength(4);
  });

  test('makes every task once, and all of them or none, also when the server is killed while it starts many', async () => {
    using temp = temporaryDirectory();
    const call = async (method: string, url: string, body: object, headers: Record<string, string> = {}) => {
      const init = { method, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) };
      return (await (await fetch(url, init)).json()) as Json;
    };
    const start = (url: string, key: string) =>
      call('POST', `${url}/workflows/release/start`, { createdBy: 'link' }, { 'idempotency-key': key });
    const keys: string[] = [];
    const told = new Map<string, Json>();
    {
      await using server = await serverProcess({ dir: temp.path });
      await call('PUT', `${server.url}/workflows/release`, RELEASE);
      const starter = async (name: string) => {
        for (let i = 0; ; i++) {
          const key = `${name}-${i}`;
          keys.push(key);
          const answer = await start(server.url, key).catch(() => undefined);
          if (answer === undefined) return;
          told.set(key, answer.ids);
          if (told.size === 60) server.child.kill('SIGKILL');
        }
      };
      await Promise.all(Array.from({ length: 8 }, (_, i) => starter(`s${i}`)));
    }
    // Of these it is not known whether they were done.
    expect(keys.length).toBeGreaterThan(told.size);
    await using server = await serverProcess({ dir: temp.path });
    for (const key of keys) {
      const { ids, tasks } = await start(server.url, key);
      if (told.has(key)) expect(ids).toEqual(told.get(key));
      expect(tasks).toHaveLength(5);
    }
    const events = await allEvents(server.url);
    const starts = events.filter(({ type }) => type === 'workflow_started');
    expect(starts).toHaveLength(keys.length);
    const made = events.filter(({ type }) => type === 'task_created').map(({ data }) => data.id);
    expect(made.sort()).toEqual(starts.flatMap(({ data }) => Object.values(data.tasks)).sort());
    for (const { seq, tx } of starts) expect(tx).toEqual({ id: seq, i: 1, n: 7 });
  }, 120_000);
});
