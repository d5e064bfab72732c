import { expect, test } from 'vitest';
import { type Json, testNode } from '../support/node.ts';

test('an agent sleeps, is mentioned, wakes, catches up, claims a task, reserves files and finishes; another is unblocked and wakes', async () => {
  await using server = await testNode();
  await server.send('PUT', '/agents/grace', { role: 'server', aliases: ['gh'] });
  const make = async (fields: object) =>
    (await server.send('POST', '/tasks', { createdBy: 'ada', ...fields })).body.task.id as string;
  const build = await make({ title: 'Mend the build', priority: 'P0' });
  const release = await make({ title: 'Release it', assignee: 'linus', blocked_by: [build] });
  const { cursor } = (await server.get('/wait/grace?timeout=0')).body;
  const linus = (await server.get('/wait/linus?timeout=0')).body.cursor;

  // Both sleep; only one of them is meant.
  const grace = server.get(`/wait/grace?timeout=25&after=${cursor}`);
  const sleeping = server.get(`/wait/linus?timeout=25&after=${linus}`);
  await server.post('ada', 'The build is broken: @gh, can you look?', { channel: 'dev' });
  const woken = (await grace).body;
  expect(woken.items).toMatchObject([{ from: 'ada', reason: 'mention', channel: 'dev' }]);
  expect((await server.get('/health', { 'x-agent': 'grace' })).headers.get('x-mentions')).toBe('1');

  // It catches up and says so.
  const told = (await server.get(`/catchup/grace?after=${cursor}`)).body;
  expect(told.addressed).toMatchObject({ total: 1, items: [{ text: 'The build is broken: @gh, can you look?' }] });
  await server.send('POST', '/inbox/grace/ack', { cursor: told.cursor });
  expect((await server.get('/inbox/grace')).body.count).toBe(0);

  // It works.
  const { action } = (await server.get('/heartbeat/grace')).body;
  expect(action).toBe(`claim ${build}`);
  const claimed = await server.send('POST', `/tasks/${build}/claim`, { agent: 'grace' });
  expect(claimed.body.task).toMatchObject({ status: 'doing', assignee: 'grace' });
  const files = { agent: 'grace', paths: ['build/**'], mode: 'exclusive', task: build };
  expect((await server.send('POST', '/reservations', files)).status).toBe(200);
  const taken = { agent: 'linus', paths: ['build/main.ts'], mode: 'exclusive' };
  expect((await server.send('POST', '/reservations', taken)).body).toMatchObject({
    status: 409,
    code: 'paths_reserved',
  });
  const done = await server.send('PATCH', `/tasks/${build}`, { agent: 'grace', status: 'done' });
  expect(done.status).toBe(200);

  // What it had reserved for the task is free with it.
  expect((await server.send('POST', '/reservations', taken)).status).toBe(200);

  // The other wakes by it, and finds its task open.
  const unblocked = (await sleeping).body;
  expect(unblocked.items.map(({ reason, from }: Json) => [reason, from])).toEqual([['unblocked', 'grace']]);
  expect((await server.get('/tasks/next?agent=linus')).body.task.id).toBe(release);
});
