import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { type Json, quietNode, type TestNode } from '../support/node.ts';

const seqs = (body: Json): number[] => body.events.map(({ seq }: { seq: number }) => seq);

test('pages hold every event once, in order, in the envelope of the journal', async () => {
  await using server = await quietNode();
  for (let i = 0; i < 25; i++) await server.post('link', `e${i}`, { channel: i % 2 ? 'odd' : 'even' });
  const seen: Json[] = [];
  let cursor = 'earliest';
  for (;;) {
    const { body, headers } = await server.get(`/events?after=${cursor}&limit=4`);
    expect(Object.keys(body).sort()).toEqual(['cursor', 'events', 'head', 'up_to_date']);
    expect(headers.get('x-seq')).toBe('27');
    seen.push(...body.events);
    cursor = body.cursor;
    if (body.up_to_date) {
      expect(body.cursor).toBe(body.head);
      break;
    }
    expect(body.events.length).toBeGreaterThan(0);
  }
  expect(seen.map(({ seq }) => seq)).toEqual(Array.from({ length: 27 }, (_, i) => i + 1));
  expect(seen[1]).toEqual({
    seq: 2,
    at: expect.any(Number),
    type: 'message_posted',
    actor: 'link',
    subject: expect.stringMatching(/^msg-/),
    data: expect.objectContaining({ content: 'e0', channel: 'even' }),
    tx: { id: 1, i: 2, n: 2 },
  });
  for (let i = 1; i < seen.length; i++) expect(seen[i].at).toBeGreaterThan(seen[i - 1].at);
});

test('events of one command stay on one page, whatever the limit', async () => {
  await using server = await quietNode();
  await server.post('link', 'x', { channel: 'made-by-it' });
  const { body } = await server.get('/events?after=earliest&limit=1');
  expect(seqs(body)).toEqual([1, 2]);
});

test('now, earliest, a bare seq and a cursor are places; unless told it is now', async () => {
  await using server = await quietNode();
  for (let i = 0; i < 3; i++) await server.post('link', `${i}`);
  const at = async (after: string) => seqs((await server.get(`/events${after}`)).body);
  const { body } = await server.get('/events');
  expect(body).toMatchObject({ events: [], up_to_date: true });
  expect(body.cursor).toMatch(/^[0-9a-hjkmnp-tv-z]{8}-3$/);
  expect(await at('?after=now')).toEqual([]);
  expect(await at('?after=earliest')).toEqual([1, 2, 3]);
  expect(await at('?after=1')).toEqual([2, 3]);
  expect(await at(`?after=${body.cursor.replace('-3', '-2')}`)).toEqual([3]);
});

test.each([
  ['another epoch', 'zzzzzzzz-0', 'epoch'],
  ['a place ahead', '4', 'ahead'],
])('%s is 410 and says where to begin again', async (_, after, reason) => {
  await using server = await quietNode();
  for (let i = 0; i < 3; i++) await server.post('link', `${i}`);
  const { status, body } = await server.get(`/events?after=${after}&wait=5`);
  expect(status).toBe(410);
  expect(body).toMatchObject({
    code: 'cursor_gone',
    reason,
    earliest: expect.stringMatching(/-0$/),
    head: expect.stringMatching(/-3$/),
    snapshot: '/snapshot',
  });
});

test.each(['nonsense!', '-1', '1.5', 'abc', '1e3', '%00', 'a-b-1', '9999999999999999', 'x'.repeat(500)])(
  '%s is no cursor: 400',
  async (after) => {
    await using server = await quietNode();
    expect((await server.get(`/events?after=${after}`)).status).toBe(400);
  },
);

test('a wait ends at once when there is something, and wakes within moments of the event', async () => {
  await using server = await quietNode();
  await server.post('link', 'before');
  const began = performance.now();
  expect(seqs((await server.get('/events?after=0&wait=30')).body)).toEqual([1]);
  const waiting = server.get('/events?wait=30');
  await waitsFor(server);
  const posted = await server.post('link', 'wake up');
  const { body } = await waiting;
  expect(seqs(body)).toEqual([posted.seq]);
  expect(performance.now() - began).toBeLessThan(2_000);
});

/** The request has come in once a query of its kind has been answered after it. */
async function waitsFor(server: TestNode): Promise<void> {
  await server.get('/events');
  await sleep(30);
}

test('a wait that sees nothing that matches ends empty, with an advanced cursor', async () => {
  await using server = await quietNode();
  const waiting = server.get('/events?after=0&wait=1&types=channel_*');
  await waitsFor(server);
  await server.post('link', 'does not match');
  const { body } = await waiting;
  expect(body).toMatchObject({ events: [], up_to_date: true });
  expect(body.cursor).toMatch(/-1$/);
});

test('Prefer: wait=N waits as well, and asking for more than the longest is asking for the longest', async () => {
  await using server = await quietNode();
  for (const prefer of ['wait=1', 'respond-async, wait=99999']) {
    const waiting = server.get('/events', { prefer });
    await waitsFor(server);
    const { seq } = await server.post('link', 'x');
    expect(seqs((await waiting).body)).toEqual([seq]);
  }
  for (const wait of ['601', '-1', 'x', '1.5']) expect((await server.get(`/events?wait=${wait}`)).status).toBe(400);
});

test('waits are answered when the server closes', async () => {
  const server = await quietNode();
  const waiting = server.get('/events?wait=60');
  await waitsFor(server);
  const began = performance.now();
  await server[Symbol.asyncDispose]();
  expect((await waiting).body).toMatchObject({ events: [], up_to_date: true });
  expect(performance.now() - began).toBeLessThan(2_000);
});

test('filters by types, topics, channels, subjects, actors and by what concerns an agent', async () => {
  await using server = await quietNode();
  const a = await server.post('ann', 'one');
  await server.send('POST', `/chat/messages/${a.id}/react`, { from: 'bob', emoji: '👍' });
  await server.post('bob', 'hello @ann.', { channel: 'far-away' });
  const d = await server.post('bob', 'private', { to: 'ann' });
  const types = async (query: string, headers = {}) =>
    (await server.get(`/events?after=earliest&${query}`, headers)).body.events.map(
      ({ type, seq }: { type: string; seq: number }) => `${seq} ${type}`,
    );
  expect(await types('types=message_posted')).toEqual(['1 message_posted', '4 message_posted']);
  expect(await types('types=channel_*,message_reacted')).toEqual(['2 message_reacted', '3 channel_created']);
  expect(await types('topics=chat')).toHaveLength(4);
  expect(await types('topics=message')).toEqual(['1 message_posted', '2 message_reacted', '4 message_posted']);
  expect(await types('topics=messages')).toHaveLength(3);
  expect(await types('topics=no-such-thing')).toEqual([]);
  expect(await types('channels=far-away')).toEqual(['3 channel_created', '4 message_posted']);
  expect(await types(`subjects=${a.id}`)).toEqual(['1 message_posted', '2 message_reacted']);
  expect(await types('actors=bob&types=message_*')).toEqual(['2 message_reacted', '4 message_posted']);
  expect(await types('agent=ann&types=message_posted')).toEqual([
    '1 message_posted',
    '4 message_posted',
    `${d.seq} message_posted`,
  ]);
  expect(await types('agent=zoe&types=message_posted')).toEqual(['1 message_posted']);
  // The name in the header lets the DM through; it is no filter.
  expect(await types('types=message_posted', { 'x-agent': 'ann' })).toHaveLength(3);
  expect((await server.get('/events?types=a%20b')).status).toBe(400);
});

test('agent= shows what was addressed to the agent when it happened, not what would be today', async () => {
  await using server = await quietNode();
  const say = (from: string, content: string, more: object = {}) =>
    server.post(from, content, { channel: 'dev', ...more });
  const { id: threadId } = await say('link', 'a question');
  await say('pixel', 'before kai came', { threadId });
  await say('kai', 'here', { threadId });
  await say('pixel', 'after kai came', { threadId });
  const { body } = await server.send('POST', '/tasks', { title: 'Mend it', createdBy: 'link', reviewer: 'pixel' });
  const change = (fields: object) => server.send('PATCH', `/tasks/${body.task.id}`, { agent: 'link', ...fields });
  await change({ status: 'validating' });
  await change({ status: 'todo' });
  await change({ reviewer: 'kai' });
  await change({ status: 'validating' });
  const shown = async (agent: string) =>
    (await server.get(`/events?after=earliest&agent=${agent}`)).body.events.map(
      ({ type, data }: Json) => data.content ?? `${type} ${data.changes?.status}`,
    );
  expect(await shown('kai')).toEqual(['after kai came', 'task_updated validating']);
  expect(await shown('pixel')).toEqual(['here', 'task_updated validating']);
});
