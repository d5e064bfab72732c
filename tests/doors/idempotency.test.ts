import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../support/directory.ts';
import { testNode } from '../support/node.ts';
import { openSocket } from '../support/ws.ts';

const KEY = { 'idempotency-key': 'key-1' };
const BODY = { from: 'link', content: 'once', channel: 'new-channel' };

test('the same key and request do it once and answer the same, at once or at the same time', async () => {
  await using server = await testNode();
  const all = await Promise.all(Array.from({ length: 20 }, () => server.send('POST', '/chat/messages', BODY, KEY)));
  for (const answer of all) {
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual(all[0]?.body);
    expect(answer.headers.get('x-seq')).toBe(all[0]?.headers.get('x-seq'));
  }
  expect(all.filter(({ headers }) => headers.get('idempotent-replay') === 'true')).toHaveLength(19);
  expect((await server.get('/chat/messages')).body.messages).toHaveLength(1);
});

test('the order of members makes no other request; other content does, and so does another operation', async () => {
  await using server = await testNode();
  const first = await server.send('POST', '/chat/messages', BODY, KEY);
  const { channel, content, from } = BODY;
  expect((await server.send('POST', '/chat/messages', { channel, content, from }, KEY)).body).toEqual(first.body);
  const { head } = (await server.get('/health')).body.journal;
  for (const [method, path, body] of [
    ['POST', '/chat/messages', { ...BODY, content: 'twice' }],
    ['POST', '/chat/messages', { ...BODY, metadata: {} }],
    ['DELETE', `/chat/messages/${first.body.message.id}`, { from: 'link' }],
  ] as const) {
    const answer = await server.send(method, path, body, KEY);
    expect([answer.status, answer.body.code]).toEqual([422, 'idempotency_key_reused']);
  }
  expect((await server.get('/health')).body.journal.head).toBe(head);
});

test("another agent's key is another key", async () => {
  await using server = await testNode();
  await server.send('POST', '/chat/messages', BODY, KEY);
  const other = await server.send('POST', '/chat/messages', { ...BODY, from: 'sage' }, KEY);
  expect([other.status, other.body.message.from]).toEqual([200, 'sage']);
});

test('a toggle with a key is not taken back by its retry', async () => {
  await using server = await testNode();
  const { id } = await server.post('link', 'x');
  const react = () => server.send('POST', `/chat/messages/${id}/react`, { from: 'sage', emoji: '👍' }, KEY);
  await react();
  await react();
  expect((await server.get(`/chat/messages/${id}/reactions`)).body.reactions).toEqual({ '👍': ['sage'] });
});

test('keys are remembered over a restart, also without the index', async () => {
  using directory = temporaryDirectory();
  let first: unknown;
  {
    await using server = await testNode({ dir: directory.path });
    first = (await server.send('POST', '/chat/messages', BODY, KEY)).body;
  }
  for (const without of [false, true]) {
    if (without)
      for (const end of ['', '-wal', '-shm']) rmSync(join(directory.path, `index.sqlite${end}`), { force: true });
    await using server = await testNode({ dir: directory.path });
    const again = await server.send('POST', '/chat/messages', BODY, KEY);
    expect(again.body).toEqual(first);
    expect(again.headers.get('idempotent-replay')).toBe('true');
    expect((await server.send('POST', '/chat/messages', { ...BODY, content: 'other' }, KEY)).status).toBe(422);
    await using hub = await openSocket(`${server.url}/ws`);
    hub.send({ type: 'call', id: 1, op: 'messages.send', input: BODY, idempotencyKey: 'key-1' });
    expect(await hub.next(({ type }) => type === 'result')).toMatchObject({ ok: true, replayed: true, result: first });
    expect((await server.get('/chat/messages')).body.messages).toHaveLength(1);
  }
});

test.each(['', ' ', 'a b', 'é', 'x'.repeat(201)])('the key %j is refused', async (key) => {
  await using server = await testNode();
  if (!key.includes('é')) {
    const rest = await server.send('POST', '/chat/messages', BODY, { 'idempotency-key': key });
    expect([rest.status, rest.body.code]).toEqual([400, 'invalid_idempotency_key']);
  }
  await using hub = await openSocket(`${server.url}/ws`);
  hub.send({ type: 'call', id: 1, op: 'messages.send', input: BODY, idempotencyKey: key });
  expect(await hub.next(({ type }) => type === 'result')).toMatchObject({ ok: false, code: 'invalid_idempotency_key' });
  expect((await server.get('/health')).body.journal.head).toBe(0);
});
