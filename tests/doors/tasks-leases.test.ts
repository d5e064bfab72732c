import { expect, test } from 'vitest';
import { temporaryDirectory } from '../support/directory.ts';
import { type Json, testNode } from '../support/node.ts';
import { openStream } from '../support/sse.ts';

test('a lease that nobody renews ends by itself; the next worker sees the failed run, and the late write is refused', async () => {
  await using server = await testNode({ env: { TASK_LEASE_SECONDS: '1' } });
  const { id } = (await server.send('POST', '/tasks', { title: 'x', createdBy: 'link' })).body.task;
  await using events = await openStream(`${server.url}/events?types=task_lease_expired`);
  const { claim } = (await server.get('/tasks/next?agent=kai&claim=1')).body;
  expect(claim.ttl).toBe(1);
  // Nobody calls until it is over.
  const expired = await events.next(({ event }) => event === 'task_lease_expired', 10_000);
  expect(expired.data).toMatchObject({
    actor: 'system',
    subject: id,
    data: { id, status: 'todo', was: { assignee: 'kai' }, run: { agent: 'kai', generation: 1, outcome: 'expired' } },
  });
  expect(expired.data.at).toBeGreaterThanOrEqual(claim.expiresAt);
  const next = (await server.get('/tasks/next?agent=pixel&claim=1&ttl=600')).body;
  expect(next).toMatchObject({ task: { id, failed_runs: 1 }, claim: { agent: 'pixel', generation: 2 } });
  expect((await server.get(`/tasks/${id}/runs`)).body.runs).toMatchObject([
    { agent: 'kai', outcome: 'expired', end: expired.data.at, reason: expect.stringContaining('kai') },
    { agent: 'pixel' },
  ]);
  const { seq } = (await server.get(`/tasks/${id}`)).body.task;
  for (const [method, path, body] of [
    ['PATCH', '', { status: 'done' }],
    ['POST', '/complete', { result: 'late' }],
    ['POST', '/heartbeat', {}],
    ['DELETE', '', {}],
  ] as const) {
    const late = await server.send(method, `/tasks/${id}${path}`, { ...body, agent: 'kai', claim: claim.id });
    expect([late.status, late.body.code, late.body.assignee]).toEqual([409, 'stale_claim', 'pixel']);
  }
  expect((await server.get(`/tasks/${id}`)).body.task.seq).toBe(seq);
});

test('a lease that ended while the server was down is over when it is up', async () => {
  using directory = temporaryDirectory();
  let id: string;
  {
    await using server = await testNode({ dir: directory.path });
    id = (await server.send('POST', '/tasks', { title: 'x', createdBy: 'link' })).body.task.id;
    await server.send('POST', `/tasks/${id}/claim`, { agent: 'kai', ttl: 1 });
  }
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  await using server = await testNode({ dir: directory.path });
  const { body } = await server.get('/events?after=0&types=task_lease_expired&wait=10');
  expect(body.events.map(({ data }: Json) => [data.id, data.run.agent])).toEqual([[id, 'kai']]);
});
