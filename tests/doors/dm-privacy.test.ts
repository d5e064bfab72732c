import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Json, type Posted, type TestNode, testNode } from '../support/node.ts';
import { openStream } from '../support/sse.ts';
import { openSocket } from '../support/ws.ts';

const SECRET = 'the-secret-word';
const DM = 'dm:alice:bob';

let server: TestNode;
let secret: Posted;
beforeAll(async () => {
  server = await testNode();
  secret = await server.post('alice', SECRET, { to: 'bob' });
  await server.send('POST', `/chat/messages/${secret.id}/react`, { from: 'bob', emoji: '🤫' });
  await server.post('bob', `${SECRET} too`, { threadId: secret.id });
  await server.post('carol', 'something public');
});
afterAll(() => server[Symbol.asyncDispose]());

/** What each reader of the door is shown, as text. */
const LISTS = [
  '/chat/messages?limit=1000',
  '/chat/messages?from=alice',
  '/chat/messages?to=bob',
  `/chat/search?q=${SECRET}`,
  '/chat/channels',
  '/chat/rooms',
  '/events?after=earliest',
  `/events?after=earliest&channels=${DM}`,
  '/events?after=earliest&actors=alice&types=message_*',
  '/snapshot',
];

test('a direct message goes to a channel of the two names in order', () => {
  expect(secret).toMatchObject({ channel: DM, to: 'bob', from: 'alice' });
});

for (const [who, headers] of [
  ['a third party', { 'x-agent': 'mallory' }],
  ['nobody in particular', {}],
] as const) {
  describe(`for ${who}`, () => {
    test.each(LISTS)('%s shows nothing of it', async (path) => {
      const response = await fetch(server.url + path, { headers });
      const text = await response.text();
      expect(response.status).toBe(200);
      expect(text).not.toContain(SECRET);
      expect(text).not.toContain(DM);
      expect(text).not.toContain('🤫');
      if (who === 'a third party') {
        const { status, body } = await server.get(`${path}${path.includes('?') ? '&' : '?'}agent=mallory`);
        expect(status).toBe(200);
        expect(JSON.stringify(body)).not.toContain(SECRET);
      }
    });

    test('the message is as if it were not there', async () => {
      const absent = await server.get('/chat/messages/msg-1-none', headers);
      for (const path of ['', '/thread', '/reactions']) {
        const { status, body } = await server.get(`/chat/messages/${secret.id}${path}`, headers);
        expect([status, body.code, body.title]).toEqual([404, absent.body.code, absent.body.title]);
      }
      const from = 'mallory';
      const { seq } = (await server.get('/health')).body.journal;
      for (const [method, path, body] of [
        ['POST', '/react', { from, emoji: '👍' }],
        ['PATCH', '', { from, content: 'changed' }],
        ['DELETE', '', { from }],
      ] as const)
        expect((await server.send(method, `/chat/messages/${secret.id}${path}`, body)).status).toBe(404);
      const reply = await server.send('POST', '/chat/messages', { from, content: 'x', threadId: secret.id });
      expect(reply.status).toBe(404);
      expect((await server.get('/health')).body.journal.seq).toBe(seq);
    });

    test('the channel can be neither listed, searched, written to nor archived', async () => {
      for (const path of [
        `/chat/messages?channel=${DM}`,
        `/chat/search?q=x&channel=${DM}`,
        '/chat/messages?channel=dm:x:y',
      ]) {
        const { status, body } = await server.get(path, headers);
        expect([status, body.code], path).toEqual([403, 'not_a_party']);
      }
      const post = await server.send('POST', '/chat/messages', { from: 'mallory', content: 'x', channel: DM });
      expect([post.status, post.body.code]).toEqual([403, 'not_a_party']);
      expect((await server.send('POST', '/chat/rooms', { id: DM, name: 'x' })).status).toBe(400);
      expect((await server.send('POST', `/chat/channels/${DM}/archive`, {})).status).toBe(400);
    });

    test.each([
      '/events?after=earliest',
      '/events/subscribe?after=earliest',
      '/events/subscribe?after=earliest&batchMs=50',
    ])('the stream %s goes past it', async (path) => {
      await using stream = await openStream(server.url + path, headers);
      let text = '';
      const sync = await stream.next((frame) => {
        text += frame.raw;
        return frame.event === 'sync' && frame.data.up_to_date;
      });
      expect(text).not.toContain(SECRET);
      expect(text).toContain('something public');
      expect(sync.data.cursor).toBe((await server.get('/events')).body.cursor);
    });

    test('both WebSockets go past it', async () => {
      const agent = 'x-agent' in headers ? '?agent=mallory' : '';
      await using chat = await openSocket(`${server.url}/chat/ws${agent}`);
      await using replay = await openSocket(`${server.url}/chat/ws${agent || '?'}&after=earliest`);
      await using hub = await openSocket(`${server.url}/ws${agent}`);
      hub.send({ type: 'subscribe', sid: 'a', after: 'earliest' });
      hub.send({ type: 'subscribe', sid: 'b', after: 'earliest', filter: { channels: [DM] } });
      hub.send({ type: 'subscribe', sid: 'c', snapshot: true });
      for (const [id, op, input] of [
        [1, 'messages.list', {}],
        [2, 'messages.get', { id: secret.id }],
        [3, 'messages.search', { q: SECRET }],
        [4, 'messages.thread', { id: secret.id }],
        [5, 'events.list', { after: 'earliest' }],
        [6, 'channels.list', {}],
        [7, 'system.snapshot', {}],
      ] as const)
        hub.send({ type: 'call', id, op, input });
      const frames: Json[] = [await chat.next()];
      for (let id = 1; id <= 7; id++) frames.push(await hub.next((frame) => frame.id === id));
      for (const sid of ['a', 'b', 'c'])
        frames.push(await hub.next((frame) => frame.type === 'sync' && frame.sid === sid));
      frames.push(await replay.next((frame) => frame.message?.content === 'something public'));
      frames.push(...hub.frames, ...chat.frames, ...replay.frames);
      expect(JSON.stringify(frames)).not.toContain(SECRET);
      expect(JSON.stringify(frames)).not.toContain(DM);
    });
  });
}

describe.each(['alice', 'bob'])('for %s, one of its ends', (agent) => {
  test.each(LISTS.filter((path) => !path.includes('rooms')))('%s shows it', async (path) => {
    const { body } = await server.get(path, { 'x-agent': agent });
    expect(JSON.stringify(body)).toContain(path.includes('channels') && !path.includes('events') ? DM : SECRET);
    const { body: named } = await server.get(`${path}${path.includes('?') ? '&' : '?'}agent=${agent}`);
    expect(JSON.stringify(named)).toContain(path.includes('channels') && !path.includes('events') ? DM : SECRET);
  });

  test('it can be read, and comes on every stream', async () => {
    const headers = { 'x-agent': agent };
    expect((await server.get(`/chat/messages/${secret.id}`, headers)).body.message.content).toBe(SECRET);
    expect((await server.get(`/chat/messages/${secret.id}/thread`, headers)).body.count).toBe(2);
    expect((await server.get(`/chat/messages/${secret.id}/reactions`, headers)).body.reactions).toEqual({
      '🤫': ['bob'],
    });
    expect((await server.get(`/chat/messages?channel=${DM}`, headers)).body.messages).toHaveLength(2);
    await using events = await openStream(`${server.url}/events?after=earliest`, headers);
    await using subscribed = await openStream(`${server.url}/events/subscribe?after=earliest&agent=${agent}`);
    expect((await events.next(({ event }) => event === 'message_posted')).data.data.content).toBe(SECRET);
    expect((await subscribed.next(({ event }) => event === 'message_posted')).data.content).toBe(SECRET);
    await using chat = await openSocket(`${server.url}/chat/ws?agent=${agent}`);
    expect(JSON.stringify(await chat.next())).toContain(SECRET);
    await using hub = await openSocket(`${server.url}/ws`, { headers });
    hub.send({ type: 'subscribe', sid: 'a', after: 'earliest' });
    expect(JSON.stringify(await hub.next(({ type }) => type === 'events'))).toContain(SECRET);
  });
});
