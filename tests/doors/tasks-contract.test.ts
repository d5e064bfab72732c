import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { importTasks } from '../../src/capabilities/tasks/import.ts';
import { type Answer, type Json, quietNode, type TestNode } from '../support/node.ts';

let server: TestNode;
beforeAll(async () => {
  server = await quietNode();
});
afterAll(() => server[Symbol.asyncDispose]());

const ID = /^task-\d{13}-[a-z0-9]{9}$/;
const create = async (more: object = {}): Promise<Json> =>
  (await server.send('POST', '/tasks', { title: 'x', createdBy: 'link', ...more })).body.task;

/** A refusal has its status, its code and the words of the original, as a problem. */
function expectRefused(answer: Answer, status: number, code: string, error: string | RegExp = /./): void {
  expect([answer.status, answer.body.code]).toEqual([status, code]);
  expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
  expect(answer.body).toMatchObject({ success: false, status, error: expect.stringMatching(error) });
}

describe('POST /tasks', () => {
  test('answers {success, task} with the fields of the contract', async () => {
    const fields = {
      description: 'd',
      status: 'todo',
      assignee: 'kai',
      priority: 'P1',
      epic_id: 'e',
      tags: ['a'],
      metadata: { n: 1 },
    };
    const { status, body, headers } = await server.send('POST', '/tasks', { title: 'x', createdBy: 'link', ...fields });
    expect(status).toBe(200);
    const { createdAt } = body.task;
    expect(body).toEqual({
      success: true,
      task: {
        id: expect.stringMatching(ID),
        title: 'x',
        createdBy: 'link',
        ...fields,
        createdAt: expect.any(Number),
        updatedAt: createdAt,
        seq: Number(headers.get('x-seq')),
      },
    });
    expect(Math.abs(createdAt - Date.now())).toBeLessThan(60_000);
  });

  test('refuses what is no task, naming every wrong field', async () => {
    const none = await server.send('POST', '/tasks', { title: '', status: 'open', priority: 'high', createdBy: '-' });
    expectRefused(none, 400, 'invalid_input', /^title and createdBy are required$/);
    expect(none.body.errors.map(({ pointer }: Json) => pointer).sort()).toEqual([
      '/createdBy',
      '/priority',
      '/status',
      '/title',
    ]);
    const unknown = await server.send('POST', '/tasks', { title: 'x', createdBy: 'link', blocked_by: ['task-0'] });
    expectRefused(unknown, 422, 'unknown_task');
    expect(unknown.body).toMatchObject({ unknown: ['task-0'], errors: [{ pointer: '/blocked_by' }] });
  });
});

describe('/tasks/:id', () => {
  test('GET answers {task}; PATCH {success, task}, of any subset of fields; DELETE {success}', async () => {
    const task = await create();
    expect((await server.get(`/tasks/${task.id}`)).body).toEqual({ task });
    const { body } = await server.send('PATCH', `/tasks/${task.id}`, { status: 'done', tags: ['b'] });
    expect(body).toEqual({
      success: true,
      task: {
        ...task,
        status: 'done',
        tags: ['b'],
        updatedAt: expect.any(Number),
        completedAt: body.task.updatedAt,
        seq: task.seq + 1,
      },
    });
    expect((await server.send('DELETE', `/tasks/${task.id}`)).body).toEqual({ success: true });
  });

  test('is not found in the words of the original: 404 where there was none, 410 where there was one', async () => {
    const { id } = await create();
    await server.send('DELETE', `/tasks/${id}`, { agent: 'kai' });
    for (const [task, status, code] of [
      ['none', 404, 'task_not_found'],
      [id, 410, 'task_deleted'],
    ] as const) {
      for (const [method, path, body] of [
        ['GET', ''],
        ['PATCH', '', { title: 'y' }],
        ['DELETE', ''],
        ['POST', '/claim', { agent: 'kai' }],
        ['POST', '/heartbeat', {}],
        ['POST', '/release', {}],
        ['POST', '/complete', {}],
        ['POST', '/fail', { reason: 'x' }],
        ['POST', '/review', { by: 'kai', verdict: 'approve' }],
        ['GET', '/comments'],
        ['POST', '/comments', { author: 'kai', content: 'x' }],
        ['GET', '/thread'],
      ] as const)
        expectRefused(await server.send(method, `/tasks/${task}${path}`, body), status, code, /^Task not found$/);
    }
    expect((await server.get(`/tasks/${id}`)).body).toMatchObject({ deletedBy: 'kai', deletedAt: expect.any(Number) });
    expect((await server.get(`/tasks/${id}/history`)).body.history.at(-1).type).toBe('task_deleted');
    expect((await server.get('/tasks/none/history')).status).toBe(404);
  });

  test('takes an id with every character that ids may have', async () => {
    await using fresh = await quietNode();
    const id = 'épic 7/α?#%';
    await fresh.node.kernel.run(
      importTasks,
      { tasks: [{ id, title: 'x', status: 'todo', createdBy: 'link', createdAt: 1, updatedAt: 1 }] },
      {},
    );
    const path = `/tasks/${encodeURIComponent(id)}`;
    expect((await fresh.get(path)).body.task.id).toBe(id);
    expect((await fresh.send('POST', `${path}/comments`, { author: 'kai', content: 'hi' })).body.comment.taskId).toBe(
      id,
    );
    expect((await fresh.get(`/chat/messages?channel=${encodeURIComponent(`task:${id}`)}`)).body.messages).toHaveLength(
      1,
    );
  });
});

describe('GET /tasks', () => {
  test('answers {tasks, total}, newest update first, filtered by query', async () => {
    await using fresh = await quietNode();
    const ids: string[] = [];
    for (const more of [
      { assignee: 'kai', tags: ['a'] },
      { assignee: 'kai', status: 'doing' },
      { priority: 'P0', tags: ['b'] },
    ])
      ids.push((await fresh.send('POST', '/tasks', { title: 'x', createdBy: 'link', ...more })).body.task.id);
    await fresh.send('PATCH', `/tasks/${ids[0]}`, { title: 'newest' });
    const list = async (query: string) => {
      const { body } = await fresh.get(`/tasks?${query}`);
      return [body.tasks.map(({ id }: Json) => ids.indexOf(id)), body.total];
    };
    expect(await list('')).toEqual([[0, 2, 1], 3]);
    expect(await list('assignee=kai')).toEqual([[0, 1], 2]);
    expect(await list('assignedTo=kai&status=doing')).toEqual([[1], 1]);
    expect(await list('tags=a,b')).toEqual([[0, 2], 2]);
    expect(await list('priority=P0&createdBy=link')).toEqual([[2], 1]);
    expect(await list('limit=1&offset=1')).toEqual([[2], 3]);
    expect((await fresh.get('/tasks?limit=2')).body).toMatchObject({ more: true, cursor: expect.any(String) });
    expectRefused(await fresh.get('/tasks?status=open'), 400, 'invalid_input');
  });
});

describe('/tasks/next and /tasks/backlog', () => {
  test('offer the most urgent and then the oldest that nobody has, and give it where that is asked', async () => {
    await using fresh = await quietNode();
    const none = { success: true, task: null, message: 'No available tasks' };
    expect((await fresh.get('/tasks/next')).body).toEqual(none);
    const ids: string[] = [];
    for (const more of [{}, { priority: 'P1' }, { priority: 'P1', assignee: 'kai' }])
      ids.push((await fresh.send('POST', '/tasks', { title: 'x', createdBy: 'link', ...more })).body.task.id);
    const { body: backlog } = await fresh.get('/tasks/backlog');
    expect([backlog.tasks.map(({ id }: Json) => ids.indexOf(id)), backlog.count]).toEqual([[1, 0], 2]);
    expect((await fresh.get('/tasks/next?agent=kai')).body.task).toMatchObject({ id: ids[1], status: 'todo' });
    const { body } = await fresh.get('/tasks/next?agent=kai&claim=1');
    expect(body).toEqual({
      success: true,
      task: expect.objectContaining({ id: ids[1], status: 'doing', assignee: 'kai' }),
      claim: { id: expect.any(String), agent: 'kai', generation: 1, ttl: 900, expiresAt: expect.any(Number) },
    });
    expect((await fresh.send('POST', '/tasks/next', { claim: true }, { 'x-agent': 'kai' })).body.task.id).toBe(ids[2]);
    expect((await fresh.send('POST', '/tasks/next', { agent: 'pixel', claim: true })).body.task.id).toBe(ids[0]);
    expect((await fresh.send('POST', '/tasks/next', { agent: 'pixel', claim: true })).body).toEqual(none);
    expectRefused(await fresh.get('/tasks/next?claim=1'), 400, 'invalid_input', /^agent is required to claim$/);
  });
});

describe('a claim', () => {
  test('is answered {success, task, claim}; of what is taken 409 with the holder', async () => {
    const { id } = await create();
    const { body } = await server.send('POST', `/tasks/${id}/claim`, { agent: 'kai', ttl: 60 });
    expect(body).toMatchObject({
      success: true,
      task: { id, status: 'doing', assignee: 'kai', claim: body.claim },
      claim: { agent: 'kai', ttl: 60 },
    });
    const taken = await server.send('POST', `/tasks/${id}/claim`, { agent: 'pixel' });
    expectRefused(taken, 409, 'TASK_ALREADY_ASSIGNED');
    expect(taken.body).toMatchObject({ assignee: 'kai', expiresAt: body.claim.expiresAt, generation: 1 });
    expectRefused(await server.send('POST', `/tasks/${id}/claim`, {}), 400, 'invalid_input', /^agent is required$/);
  });

  test('is kept, given back, failed and completed by its id; each attempt is a run', async () => {
    const { id } = await create();
    const claim = async () => (await server.send('POST', `/tasks/${id}/claim`, { agent: 'kai' })).body.claim.id;
    const first = await claim();
    const kept = await server.send('POST', `/tasks/${id}/heartbeat`, { claim: first, ttl: 120 });
    expect(kept.body).toEqual({ success: true, claim: expect.objectContaining({ id: first, ttl: 120 }) });
    const released = await server.send('POST', `/tasks/${id}/release`, { claim: first, reason: 'lunch' });
    expect(released.body).toMatchObject({ success: true, task: { id, status: 'todo' } });
    expectRefused(await server.send('POST', `/tasks/${id}/complete`, { claim: first }), 409, 'stale_claim');
    expectRefused(await server.send('POST', `/tasks/${id}/complete`, { agent: 'kai' }), 409, 'not_the_holder');
    const failed = await server.send('POST', `/tasks/${id}/fail`, { claim: await claim(), reason: 'red' });
    expect(failed.body).toMatchObject({ success: true, task: { status: 'todo', failed_runs: 1 } });
    expectRefused(
      await server.send('POST', `/tasks/${id}/fail`, { agent: 'kai' }),
      400,
      'invalid_input',
      /^reason is required$/,
    );
    const done = await server.send('POST', `/tasks/${id}/complete`, {
      claim: await claim(),
      result: 'ok',
      artifacts: ['log'],
    });
    expect(done.body).toMatchObject({
      success: true,
      task: { status: 'done', result: 'ok', artifacts: [{ name: 'log' }] },
    });
    const { body } = await server.get(`/tasks/${id}/runs`);
    expect(body.runs).toMatchObject([
      { task: id, agent: 'kai', outcome: 'released', reason: 'lunch' },
      { generation: 2, outcome: 'failed', reason: 'red' },
      { generation: 3, outcome: 'completed', result: 'ok', artifacts: [{ name: 'log' }] },
    ]);
    expect(body.count).toBe(3);
  });
});

describe('rules', () => {
  test('are refused with 422: moves, cycles, what waits, what must be reviewed; not the reviewer with 403', async () => {
    const a = await create({ reviewer: 'sage' });
    const b = await create({ blocked_by: [a.id] });
    const over = await create({ status: 'cancelled' });
    const moved = await server.send('PATCH', `/tasks/${over.id}`, { status: 'done' });
    expectRefused(moved, 422, 'transition_refused');
    expect(moved.body).toMatchObject({ from: 'cancelled', to: 'done', allowed: ['todo'] });
    const cycle = await server.send('PATCH', `/tasks/${a.id}`, { blocked_by: [b.id] });
    expectRefused(cycle, 422, 'dependency_cycle');
    expect(cycle.body.cycle).toEqual([a.id, b.id, a.id]);
    const waits = await server.send('POST', `/tasks/${b.id}/claim`, { agent: 'kai' });
    expectRefused(waits, 422, 'task_blocked');
    expect(waits.body.blockers).toEqual([a.id]);
    expectRefused(await server.send('PATCH', `/tasks/${a.id}`, { status: 'done' }), 422, 'review_required');
    expectRefused(
      await server.send('POST', `/tasks/${a.id}/review`, { by: 'kai', verdict: 'approve' }),
      403,
      'not_the_reviewer',
    );
    expectRefused(
      await server.send('POST', `/tasks/${b.id}/review`, { by: 'kai', verdict: 'approve' }),
      422,
      'no_reviewer',
    );
    const { body } = await server.send('POST', `/tasks/${a.id}/review`, { by: 'sage', verdict: 'approve' });
    expect(body).toMatchObject({
      success: true,
      task: { status: 'done', review: { by: 'sage', verdict: 'approved' } },
    });
    expect((await server.get(`/tasks/${b.id}`)).body.task).not.toHaveProperty('open_blockers');
  });
});

test('history, board and figures of /health are what was done', async () => {
  await using fresh = await quietNode();
  const { id } = (await fresh.send('POST', '/tasks', { title: 'x', createdBy: 'link' })).body.task;
  await fresh.send('PATCH', `/tasks/${id}`, { status: 'doing' }, { 'x-agent': 'kai' });
  const { body } = await fresh.get(`/tasks/${id}/history`);
  expect(body).toEqual({
    history: [
      { seq: 1, at: expect.any(Number), actor: 'link', type: 'task_created', changes: {} },
      {
        seq: 2,
        at: expect.any(Number),
        actor: 'kai',
        type: 'task_updated',
        changes: { status: { from: 'todo', to: 'doing' } },
      },
    ],
    count: 2,
  });
  const { columns } = (await fresh.get('/tasks/board?fields=id')).body;
  expect(columns.filter(({ count }: Json) => count > 0)).toEqual([{ status: 'doing', count: 1, tasks: [{ id }] }]);
  expect((await fresh.get('/health')).body.tasks).toEqual({ total: 1, byStatus: { doing: 1 } });
  expect((await fresh.get('/tasks/analytics')).body).toMatchObject({ total: 1, byStatus: { doing: 1 }, unassigned: 1 });
});
