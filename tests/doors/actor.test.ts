import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { quietNode, type TestNode } from '../support/node.ts';
import { openSocket } from '../support/ws.ts';

let server: TestNode;
beforeAll(async () => {
  server = await quietNode();
});
afterAll(() => server[Symbol.asyncDispose]());

const BAD = ['', '-dash', '.dot', '_under', 'a b', 'a:b', 'a/b', 'ä', 'x'.repeat(65), 'a\n', 'anonymous', 'system'];
const GOOD = ['a', '7', 'Link', 'claude-code.2_x', 'x'.repeat(64)];

async function upgrade(path: string, headers: Record<string, string> = {}): Promise<string> {
  try {
    await using _ = await openSocket(server.url + path, { headers });
    return 'open';
  } catch (error) {
    return (error as Error).message;
  }
}

describe.each(BAD)('the name %j', (name) => {
  test('is refused on every door', async () => {
    const { id } = await server.post('link', 'x');
    const encoded = encodeURIComponent(name);
    const bodies = [
      server.send('POST', '/chat/messages', { from: name, content: 'x' }),
      server.send('POST', '/chat/messages', { from: 'link', to: name, content: 'x' }),
      server.send('POST', `/chat/messages/${id}/react`, { from: name, emoji: '👍' }),
      server.send('PATCH', `/chat/messages/${id}`, { from: name, content: 'y' }),
      server.send('DELETE', `/chat/messages/${id}`, { from: name }),
      server.get(`/chat/messages?agent=${encoded}`),
      server.get(`/events?agent=${encoded}`),
      server.get(`/events/subscribe?agent=${encoded}`),
      server.get(`/snapshot?agent=${encoded}`),
      server.get(`/chat/channels?agent=${encoded}`),
    ];
    for (const { status, body } of await Promise.all(bodies))
      expect([status, body.code]).toEqual([400, 'invalid_input']);
    expect(await upgrade(`/ws?agent=${encoded}`)).toBe('HTTP 400');
    expect(await upgrade(`/chat/ws?agent=${encoded}`)).toBe('HTTP 400');
    await using hub = await openSocket(`${server.url}/ws`);
    hub.send({ type: 'call', id: 1, op: 'messages.send', input: { from: name, content: 'x' } });
    expect(await hub.next((frame) => frame.type === 'result')).toMatchObject({ ok: false, status: 400 });
    hub.send({ type: 'subscribe', sid: 'a', filter: { agent: name } });
    expect((await hub.closed).code).toBe(4400);
  });
});

// Other names cannot be sent in a header at all.
test.each(BAD.filter((name) => /^[\x21-\x7e]+$/.test(name)))('the name %j is refused as X-Agent', async (name) => {
  const headers = { 'x-agent': name };
  expect((await server.get('/chat/channels', headers)).status).toBe(400);
  expect((await server.send('POST', '/chat/messages', { content: 'x' }, headers)).status).toBe(400);
  expect((await server.get('/events', { ...headers, accept: 'text/event-stream' })).status).toBe(400);
  expect(await upgrade('/ws', headers)).toBe('HTTP 400');
  expect(await upgrade('/chat/ws', headers)).toBe('HTTP 400');
});

test.each(GOOD)('the name %j is taken, and the agent exists from its first act', async (name) => {
  const { body } = await server.send('POST', '/chat/messages', { content: 'x' }, { 'x-agent': name });
  expect(body.message.from).toBe(name);
  const { body: list } = await server.get('/agents');
  expect(list.agents).toContainEqual({ name, firstSeen: expect.any(Number), seq: expect.any(Number) });
});

test('who comes under one name cannot act under another', async () => {
  const { id } = await server.post('link', 'x');
  const { head } = (await server.get('/health')).body.journal;
  const headers = { 'x-agent': 'mallory' };
  const answers = [
    await server.send('POST', '/chat/messages', { from: 'link', content: 'forged' }, headers),
    await server.send('POST', '/chat/messages?agent=mallory', { from: 'link', content: 'forged' }),
    await server.send('PATCH', `/chat/messages/${id}`, { from: 'link', content: 'forged' }, headers),
    await server.send('DELETE', `/chat/messages/${id}`, { from: 'link' }, headers),
    await server.send('POST', `/chat/messages/${id}/react`, { from: 'link', emoji: '👍' }, headers),
    await server.send('POST', '/chat/rooms', { from: 'link', id: 'r', name: 'r' }, headers),
    await server.get('/chat/messages?agent=link', headers),
    await server.get('/chat/channels?agent=link', headers),
    await server.get('/events?agent=link', headers),
    await server.get('/events/subscribe?agent=link', headers),
    await server.get('/snapshot?agent=link', headers),
  ];
  expect(answers.map(({ status, body }) => [status, body.code])).toEqual(answers.map(() => [403, 'actor_mismatch']));
  expect(await upgrade('/ws?agent=link', headers)).toBe('HTTP 403');
  expect(await upgrade('/chat/ws?agent=link', headers)).toBe('HTTP 403');
  await using hub = await openSocket(`${server.url}/ws?agent=mallory`);
  hub.send({ type: 'call', id: 1, op: 'messages.send', input: { from: 'link', content: 'forged' } });
  expect(await hub.next((frame) => frame.type === 'result')).toMatchObject({ ok: false, code: 'actor_mismatch' });
  hub.send({ type: 'call', id: 2, op: 'messages.list', input: { agent: 'link' } });
  expect(await hub.next((frame) => frame.type === 'result')).toMatchObject({ ok: false, code: 'actor_mismatch' });
  expect((await server.get('/health')).body.journal.head).toBe(head);
});

test('a name given twice is no name', async () => {
  expect((await server.get('/chat/channels?agent=a&agent=b')).status).toBe(400);
  expect((await server.get('/events?agent=a&agent=b')).status).toBe(400);
  expect(await upgrade('/ws?agent=a&agent=b')).toBe('HTTP 400');
});

test('the event says who acted; anonymous where nobody said', async () => {
  const { headers } = await server.send('POST', '/chat/rooms', { id: 'nobodys', name: 'x' });
  const after = Number(headers.get('x-seq')) - 1;
  expect((await server.get(`/events?after=${after}`)).body.events[0]).toMatchObject({
    actor: 'anonymous',
    type: 'channel_created',
  });
  expect(JSON.stringify((await server.get('/agents')).body)).not.toContain('anonymous');
});
