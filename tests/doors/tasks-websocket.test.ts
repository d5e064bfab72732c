import { expect, test } from 'vitest';
import { type Json, testNode } from '../support/node.ts';
import { openSocket } from '../support/ws.ts';

test('every operation on tasks is a call on /ws, with the answer that its route has', async () => {
  await using server = await testNode();
  await using hub = await openSocket(`${server.url}/ws`);
  const called = new Set<string>();
  const call = async (op: string, input: object = {}): Promise<Json> => {
    called.add(op);
    hub.send({ type: 'call', id: called.size, op, input });
    const { ok, result, detail } = await hub.next(({ type }) => type === 'result');
    expect([op, ok, detail]).toEqual([op, true, undefined]);
    // The shape that the reference pages describe, no member more.
    expect(result).toEqual(server.node.kernel.operations.get(op)?.output.parse(result));
    return result;
  };

  const { task } = await call('tasks.create', { title: 'x', createdBy: 'link', reviewer: 'sage' });
  const { id } = task;
  expect(await call('tasks.get', { id })).toEqual((await server.get(`/tasks/${id}`)).body);
  expect((await call('tasks.backlog')).count).toBe(1);
  await call('tasks.update', { id, priority: 'P0' });
  const own = { id, claim: (await call('tasks.claim', { id, agent: 'kai' })).claim.id };
  await call('tasks.heartbeat', { ...own, ttl: 60 });
  await call('tasks.comment', { id, author: 'kai', content: 'hello' });
  await call('tasks.release', own);
  const { claim } = await call('tasks.next', { agent: 'kai', claim: true });
  await call('tasks.fail', { id, claim: claim.id, reason: 'red' });
  const again = (await call('tasks.claim', { id, agent: 'pixel' })).claim.id;
  await call('tasks.complete', { id, claim: again, result: 'green', artifacts: ['log'] });
  expect((await call('tasks.review', { id, by: 'sage', verdict: 'approve' })).task.status).toBe('done');
  for (const [op, path] of [
    ['tasks.list', '/tasks'],
    ['tasks.board', '/tasks/board'],
    ['tasks.analytics', '/tasks/analytics'],
    ['tasks.history', `/tasks/${id}/history`],
    ['tasks.runs', `/tasks/${id}/runs`],
    ['tasks.comments', `/tasks/${id}/comments`],
    ['tasks.thread', `/tasks/${id}/thread`],
  ] as const)
    expect(await call(op, path.includes(id) ? { id } : {})).toEqual((await server.get(path)).body);
  expect(await call('tasks.delete', { id })).toEqual({ success: true });

  const known = [...server.node.kernel.operations.keys()].filter((name) => name.startsWith('tasks.'));
  expect([...called].sort()).toEqual(known.sort());
});

test('a call is refused as its route is, and the agent of the socket is who acts', async () => {
  await using server = await testNode();
  const { id } = (await server.send('POST', '/tasks', { title: 'x', createdBy: 'link' })).body.task;
  await using kai = await openSocket(`${server.url}/ws?agent=kai`);
  await using pixel = await openSocket(`${server.url}/ws?agent=pixel`);
  const call = async (hub: typeof kai, op: string, input: object): Promise<Json> => {
    hub.send({ type: 'call', id: 1, op, input });
    return hub.next(({ type }) => type === 'result');
  };
  expect((await call(kai, 'tasks.claim', { id })).result.claim.agent).toBe('kai');
  const { type: _, ...problem } = (await server.send('POST', `/tasks/${id}/claim`, { agent: 'pixel' })).body;
  expect(await call(pixel, 'tasks.claim', { id })).toMatchObject({ ok: false, status: 409, ...problem });
  expect(await call(pixel, 'tasks.complete', { id, agent: 'kai' })).toMatchObject({
    ok: false,
    code: 'actor_mismatch',
  });
  expect(await call(pixel, 'tasks.get', { id: 'none' })).toMatchObject({ status: 404, error: 'Task not found' });
});
