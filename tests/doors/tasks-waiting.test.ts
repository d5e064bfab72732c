import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Answer, type Json, type TestNode, testNode } from '../support/node.ts';
import { rawSocket, request } from '../support/raw.ts';
import { openSocket } from '../support/ws.ts';

const NONE = { success: true, task: null, message: 'No available tasks' };

let server: TestNode;
beforeEach(async () => {
  server = await testNode();
});
afterEach(() => server[Symbol.asyncDispose]());

const create = async (more: object = {}): Promise<Json> =>
  (await server.send('POST', '/tasks', { title: 'x', createdBy: 'link', ...more })).body.task;

/** Sends requests one after another, each once the server has the one before; their answers are still to come. */
async function asked(paths: readonly string[], headers?: Record<string, string>): Promise<Promise<Answer>[]> {
  const answers: Promise<Answer>[] = [];
  for (const path of paths) {
    const came = new Promise((resolve) => server.node.app.server.once('request', resolve));
    answers.push(server.get(path, headers));
    await came;
    // What came before this is handled when this is.
    await server.get('/health');
  }
  return answers;
}

/** Fulfilled when the server has seen that the next who connects is gone. */
function nextHangup(): Promise<void> {
  return new Promise((resolve) => {
    server.node.app.server.once('connection', (socket) => socket.once('close', () => resolve()));
  });
}

describe('whoever waits for the next task', () => {
  test('gets it as soon as it is there: created, given back, unblocked, or given to it', async () => {
    const a = await create({ status: 'doing' });
    const b = await create({ blocked_by: [a.id] });
    const c = await create({ assignee: 'pixel' });
    const steps: [string, () => Promise<unknown>, string?][] = [
      ['unblocked', () => server.send('PATCH', `/tasks/${a.id}`, { status: 'done' }), b.id],
      ['created', () => create()],
      ['given back', () => server.send('POST', `/tasks/${b.id}/release`, { agent: 'kai' }), b.id],
      ['given to it', () => server.send('PATCH', `/tasks/${c.id}`, { assignee: 'kai' }), c.id],
      ['opened again', () => server.send('PATCH', `/tasks/${a.id}`, { status: 'todo' }), a.id],
    ];
    for (const [how, come, id] of steps) {
      const [answer] = await asked(['/tasks/next?agent=kai&claim=1&wait=30']);
      await come();
      const { body } = (await answer) as Answer;
      expect([how, body.task?.assignee, body.claim?.agent]).toEqual([how, 'kai', 'kai']);
      if (id !== undefined) expect([how, body.task.id]).toEqual([how, id]);
    }
  });

  test('is not woken for what it does not want', async () => {
    const [answer] = await asked(['/tasks/next?agent=kai&claim=1&wait=30&tags=mine']);
    await create();
    await create({ tags: ['mine'], assignee: 'pixel' });
    const { id } = await create({ tags: ['mine'] });
    expect(((await answer) as Answer).body.task.id).toBe(id);
  });

  test('without claim only sees it', async () => {
    const answers = await asked(['/tasks/next?wait=30', '/tasks/next?agent=kai&wait=30']);
    const { id } = await create();
    for (const { body } of await Promise.all(answers)) expect(body.task).toMatchObject({ id, status: 'todo' });
  });

  test.each([
    ['by wait', '/tasks/next?agent=kai&claim=1&wait=1', {}],
    ['by Prefer', '/tasks/next?agent=kai&claim=1', { prefer: 'wait=1' }],
  ])('%s is told at the time-out that there is none, and not before', async (_, path, headers) => {
    const began = performance.now();
    const { status, body } = await server.get(path, headers);
    expect([status, body]).toEqual([200, NONE]);
    expect(performance.now() - began).toBeGreaterThan(950);
  });

  test('gets one each, in the order in which they came', async () => {
    const agents = Array.from({ length: 8 }, (_, i) => `agent-${i}`);
    const answers = await asked(agents.map((agent) => `/tasks/next?agent=${agent}&claim=1&wait=30`));
    const ids: string[] = [];
    for (let i = 0; i < agents.length; i++) ids.push((await create()).id);
    const given = await Promise.all(answers);
    expect(given.map(({ body }) => [body.task.id, body.claim.agent])).toEqual(ids.map((id, i) => [id, agents[i]]));
  });

  test('and hung up is given nothing: the next gets it', async () => {
    const gone = nextHangup();
    {
      await using socket = await rawSocket(server.port);
      const came = new Promise((resolve) => server.node.app.server.once('request', resolve));
      socket.write(request('GET /tasks/next?agent=gone&claim=1&wait=30', [`Host: 127.0.0.1:${server.port}`]));
      await came;
    }
    await gone;
    const [answer] = await asked(['/tasks/next?agent=kai&claim=1&wait=30']);
    const { id } = await create();
    expect(((await answer) as Answer).body.task).toMatchObject({ id, assignee: 'kai', generation: 1 });
  });

  test('on a socket that is closed is given nothing', async () => {
    const gone = nextHangup();
    {
      await using hub = await openSocket(`${server.url}/ws?agent=gone`);
      hub.send({ type: 'call', id: 1, op: 'tasks.next', input: { claim: true, wait: 30 } });
      hub.send({ type: 'ping' });
      await hub.next(({ type }) => type === 'pong');
    }
    await gone;
    const { id } = await create();
    expect((await server.get(`/tasks/${id}`)).body.task.status).toBe('todo');
  });

  test('is answered when the server closes', async () => {
    const answers = await asked(['/tasks/next?agent=kai&claim=1&wait=60', '/tasks/next?wait=60']);
    await server.node.close();
    for (const { status, body } of await Promise.all(answers)) expect([status, body]).toEqual([200, NONE]);
  });

  test.each(['-1', '601', 'long'])('cannot wait for %s seconds', async (wait) => {
    expect((await server.get(`/tasks/next?wait=${wait}`)).status).toBe(400);
  });
});
