import { expect, test } from 'vitest';
import { type Json, quietNode, testNode } from '../support/node.ts';
import { openSocket } from '../support/ws.ts';

const eventsOf = (frames: Json[], sid: string): Json[] =>
  frames.filter((frame) => frame.type === 'events' && frame.sid === sid).flatMap(({ events }) => events);

test('the server speaks first: hello, in the subprotocol that was offered', async () => {
  await using server = await quietNode();
  await server.post('link', 'x');
  await using hub = await openSocket(`${server.url}/ws?agent=link`, { protocol: 'reflectt.v1' });
  expect(hub.socket.protocol).toBe('reflectt.v1');
  const { epoch } = server.node.kernel.feed;
  expect(await hub.next()).toEqual({
    type: 'hello',
    protocol: 'reflectt.v1',
    epoch,
    head: `${epoch}-1`,
    earliest: `${epoch}-0`,
    conn: expect.stringMatching(/^[\w-]{10}$/),
    agent: 'link',
    heartbeat_ms: 20_000,
    limits: { frame_bytes: 262_144, subscriptions: 32, calls_in_flight: 4_096, questions: 64 },
  });
  await using plain = await openSocket(`${server.url}/ws`);
  expect(plain.socket.protocol).toBe('');
});

test('subscriptions have cursors and filters of their own, and hold the envelope of the journal', async () => {
  await using server = await quietNode();
  for (let i = 0; i < 3; i++) await server.post('link', `${i}`);
  await server.post('sage', 'dev', { channel: 'dev' });
  await using hub = await openSocket(`${server.url}/ws`);
  hub.send({ type: 'subscribe', sid: 'all', after: 'earliest' });
  hub.send({ type: 'subscribe', sid: 'late', after: 2 });
  hub.send({ type: 'subscribe', sid: 'dev', after: '0', filter: { channels: 'dev' } });
  hub.send({ type: 'subscribe', sid: 'sage', after: '0', filter: { actors: ['sage'] } });
  hub.send({ type: 'subscribe', sid: 'new' });
  for (const sid of ['all', 'late', 'dev', 'sage', 'new']) {
    const sync = await hub.next((frame) => frame.type === 'sync' && frame.sid === sid);
    expect(sync).toEqual({
      type: 'sync',
      sid,
      cursor: expect.stringMatching(/-4$/),
      up_to_date: true,
      count: expect.any(Number),
    });
  }
  const { body } = await server.get('/events?after=0');
  expect(eventsOf(hub.frames, 'all')).toEqual(body.events);
  expect(eventsOf(hub.frames, 'late')).toEqual(body.events.slice(2));
  expect(eventsOf(hub.frames, 'dev')).toEqual(body.events.slice(3));
  expect(eventsOf(hub.frames, 'sage')).toEqual(body.events.slice(3));
  expect(eventsOf(hub.frames, 'new')).toEqual([]);
  const { seq } = await server.post('link', 'now');
  const { events } = await hub.next((frame) => frame.type === 'events' && frame.sid === 'new');
  expect(events[0].seq).toBe(seq);
});

test('frames hold 64 events at most, and events of one command stay together', async () => {
  await using server = await quietNode();
  await Promise.all(Array.from({ length: 150 }, (_, i) => server.post('link', 'x', { channel: `c${i}` })));
  await using hub = await openSocket(`${server.url}/ws`);
  hub.send({ type: 'subscribe', sid: 'a', after: 0 });
  await hub.next((frame) => frame.type === 'sync');
  const frames = hub.frames.filter(({ type }) => type === 'events');
  expect(eventsOf(frames, 'a').map(({ seq }) => seq)).toEqual(Array.from({ length: 300 }, (_, i) => i + 1));
  for (const { events } of frames) {
    expect(events.length).toBeLessThanOrEqual(65);
    expect(events.at(-1).tx.i).toBe(events.at(-1).tx.n);
  }
});

test('a snapshot and then its events have neither gap nor duplicate while others post', async () => {
  await using server = await quietNode();
  let posting = true;
  const sent: string[] = [];
  const posters = [1, 2, 3].map(async (n) => {
    for (let i = 0; posting && i < 150; i++) sent.push((await server.post(`p${n}`, `${i}`)).id);
  });
  await expect.poll(() => sent.length).toBeGreaterThan(10);
  await using hub = await openSocket(`${server.url}/ws`);
  hub.send({ type: 'subscribe', sid: 's', snapshot: true });
  const snapshot = await hub.next((frame) => frame.type === 'snapshot');
  await expect.poll(() => sent.length).toBeGreaterThan(60);
  posting = false;
  await Promise.all(posters);
  const { head } = (await server.get('/health')).body.journal;
  await expect.poll(() => eventsOf(hub.frames, 's').at(-1)?.seq).toBe(head);
  const events = eventsOf(hub.frames, 's');
  const from = Number(snapshot.cursor.split('-')[1]);
  expect(events.map(({ seq }) => seq)).toEqual(Array.from({ length: head - from }, (_, i) => from + 1 + i));
  const known = snapshot.state.messages.map(({ id }: { id: string }) => id);
  const all = [...known, ...events.map(({ subject }) => subject)];
  expect(new Set(all).size).toBe(all.length);
  expect(all.length).toBe(Math.min(from, 200) + head - from);
  expect(snapshot.state.channels.find(({ id }: { id: string }) => id === 'general').count).toBe(from);
});

test('what is shown first holds 1 MiB of messages at most, the newest', async () => {
  await using server = await quietNode();
  for (let i = 0; i < 8; i++) await server.post('link', `${i}${'x'.repeat(190_000)}`);
  await using chat = await openSocket(`${server.url}/chat/ws`);
  const { messages: history } = await chat.next(({ type }) => type === 'history');
  const { messages: snapshot } = (await server.get('/snapshot')).body;
  for (const messages of [history, snapshot])
    expect(messages.map(({ content }: { content: string }) => content[0]).join('')).toBe('34567');
});

test('a socket holds 32 subscriptions, also while snapshots are taken, and a sid once', async () => {
  await using server = await quietNode();
  await using hub = await openSocket(`${server.url}/ws`);
  for (let i = 0; i < 40; i++) hub.send({ type: 'subscribe', sid: `s${i}`, snapshot: i % 2 === 0 });
  for (let i = 32; i < 40; i++)
    expect(await hub.next((frame) => frame.sid === `s${i}`)).toMatchObject({
      type: 'error',
      code: 'rate_limited',
      status: 429,
    });
  for (let i = 0; i < 32; i++) await hub.next((frame) => frame.type === 'sync' && frame.sid === `s${i}`);
  hub.send({ type: 'subscribe', sid: 's0' });
  expect(await hub.next((frame) => frame.type === 'error')).toMatchObject({ sid: 's0', code: 'conflict' });
  hub.send({ type: 'unsubscribe', sid: 's0' });
  hub.send({ type: 'subscribe', sid: 'again' });
  await hub.next((frame) => frame.type === 'sync' && frame.sid === 'again');
});

test('nothing is done that was sent after the frame for which the socket is closed', async () => {
  await using server = await quietNode();
  await using hub = await openSocket(`${server.url}/ws?agent=link`);
  const { head } = (await server.get('/health')).body.journal;
  hub.send('{');
  hub.send({ type: 'call', id: 1, op: 'messages.send', input: { content: 'too late' } });
  expect((await hub.closed).code).toBe(4400);
  await server.post('link', 'the next event');
  expect((await server.get('/health')).body.journal.head).toBe(head + 1);
});

test('a socket that is being closed is read to its end, also where an answer comes too late', async () => {
  await using server = await quietNode();
  await using hub = await openSocket(`${server.url}/ws?agent=link`);
  const { head } = (await server.get('/health')).body.journal;
  hub.send({ type: 'call', id: 1, op: 'messages.send', input: { content: 'in time' } });
  hub.send('{');
  // Its answer to the close frame comes after the call is done.
  hub.socket.pause();
  await expect.poll(async () => (await server.get('/health')).body.journal.durable).toBe(head + 1);
  await server.post('link', 'one turn later');
  const began = performance.now();
  hub.socket.resume();
  expect((await hub.closed).code).toBe(4400);
  expect(performance.now() - began).toBeLessThan(2_000);
});

test('unsubscribe ends it, also before its snapshot has come', async () => {
  await using server = await quietNode();
  await using hub = await openSocket(`${server.url}/ws`);
  hub.send({ type: 'subscribe', sid: 'a' });
  hub.send({ type: 'subscribe', sid: 'b' });
  hub.send({ type: 'subscribe', sid: 'c', snapshot: true });
  hub.send({ type: 'unsubscribe', sid: 'a' });
  hub.send({ type: 'unsubscribe', sid: 'c' });
  hub.send({ type: 'unsubscribe', sid: 'never was' });
  hub.send({ type: 'ping', id: 1 });
  await hub.next((frame) => frame.type === 'pong');
  await server.post('link', 'x');
  await hub.next((frame) => frame.type === 'events' && frame.sid === 'b');
  expect(eventsOf(hub.frames, 'a')).toEqual([]);
  expect(eventsOf(hub.frames, 'c')).toEqual([]);
});

test('ack takes what was sent, and refuses what was not', async () => {
  await using server = await quietNode();
  const { seq } = await server.post('link', 'x');
  await using hub = await openSocket(`${server.url}/ws`);
  hub.send({ type: 'subscribe', sid: 'a', after: 0 });
  const { cursor } = await hub.next((frame) => frame.type === 'sync');
  hub.send({ type: 'ack', sid: 'a', cursor });
  hub.send({ type: 'ping', id: 'after-ack' });
  expect(await hub.next((frame) => frame.type !== 'hello' && frame.type !== 'events')).toEqual({
    type: 'pong',
    id: 'after-ack',
  });
  for (const [frame, code] of [
    [{ sid: 'a', cursor: seq + 1 }, 'cursor_gone'],
    [{ sid: 'a', cursor: 'zzzzzzzz-1' }, 'cursor_gone'],
    [{ sid: 'a', cursor: 'nonsense!' }, 'invalid_cursor'],
    [{ sid: 'none', cursor }, 'invalid_input'],
  ] as const) {
    hub.send({ type: 'ack', ...frame });
    expect(await hub.next(({ type }) => type === 'error')).toMatchObject({ sid: frame.sid, code });
  }
});

test('a cursor that is gone resets the subscription; the socket stays', async () => {
  await using server = await quietNode();
  await using hub = await openSocket(`${server.url}/ws`);
  for (const [after, reason] of [
    ['zzzzzzzz-1', 'epoch'],
    [99, 'ahead'],
  ]) {
    hub.send({ type: 'subscribe', sid: 'a', after });
    expect(await hub.next((frame) => frame.type === 'reset')).toEqual({
      type: 'reset',
      sid: 'a',
      reason,
      earliest: expect.stringMatching(/-0$/),
      head: expect.stringMatching(/-0$/),
      snapshot: '/snapshot',
    });
  }
  hub.send({ type: 'subscribe', sid: 'a', after: 'nonsense!' });
  expect(await hub.next((frame) => frame.type === 'error')).toMatchObject({ sid: 'a', code: 'invalid_cursor' });
  hub.send({ type: 'subscribe', sid: 'a' });
  await hub.next((frame) => frame.type === 'sync');
});

test('500 pipelined calls of every kind are all answered, each once, with problems in results', async () => {
  await using server = await quietNode();
  await using hub = await openSocket(`${server.url}/ws?agent=link`);
  const n = 500;
  for (let id = 0; id < n; id++) {
    const op = ['messages.send', 'messages.list', 'no.such', 'messages.get', 'channels.list'][id % 5];
    const input = [{ content: `${id}` }, { limit: 1 }, {}, { id: 'none' }, {}][id % 5];
    hub.send({ type: 'call', id, op, input });
  }
  const results = new Map<number, Json>();
  while (results.size < n) {
    const frame = await hub.next(({ type }) => type === 'result', 10_000);
    expect(results.has(frame.id)).toBe(false);
    results.set(frame.id, frame);
  }
  for (const [id, frame] of results) {
    if (id % 5 === 0) {
      expect(frame).toMatchObject({
        ok: true,
        seq: expect.any(Number),
        result: { success: true, message: { content: `${id}`, from: 'link' } },
      });
    } else if (id % 5 === 2) {
      expect(frame).toMatchObject({ ok: false, status: 404, code: 'operation_not_found', success: false });
    } else if (id % 5 === 3) {
      expect(frame).toMatchObject({ ok: false, status: 404, code: 'message_not_found', error: 'Message not found' });
      expect(Object.keys(frame)).toEqual(expect.arrayContaining(['title', 'detail', 'hint']));
    } else expect(frame.ok).toBe(true);
  }
  expect((await server.get('/health')).body.journal.head).toBe(100);
});

test('every operation of the table can be called, and those that no door shows cannot', async () => {
  await using server = await testNode();
  const { body } = await server.get('/capabilities');
  await using hub = await openSocket(`${server.url}/ws?agent=link`);
  for (const { name } of body.operations) {
    // Nothing is waited for.
    hub.send({ type: 'call', id: name, op: name, input: { timeout: 0 } });
    const result = await hub.next((frame) => frame.id === name);
    expect(result.code, name).not.toBe('operation_not_found');
    expect(result.status ?? 200, name).toBeLessThan(500);
  }
  for (const op of ['messages.import', 'tasks.import', 'inbox.import', '__proto__', 'constructor', 'toString']) {
    hub.send({ type: 'call', id: op, op, input: {} });
    expect((await hub.next((frame) => frame.id === op)).code, op).toBe('operation_not_found');
  }
});

test('a call waits like a request does, and its wait ends with the socket', async () => {
  await using server = await quietNode();
  await using hub = await openSocket(`${server.url}/ws`);
  hub.send({ type: 'call', id: 1, op: 'events.list', input: { wait: 30 } });
  hub.send({ type: 'ping' });
  await hub.next(({ type }) => type === 'pong');
  const { seq } = await server.post('link', 'x');
  expect((await hub.next(({ type }) => type === 'result')).result.events[0].seq).toBe(seq);
});

test('/chat/ws shows the last 50, then each message; a cursor replays instead', async () => {
  await using server = await quietNode();
  for (let i = 0; i < 60; i++) await server.post('link', `${i}`);
  await using chat = await openSocket(`${server.url}/chat/ws`);
  const history = await chat.next();
  expect(history.type).toBe('history');
  expect(history.messages.map(({ content }: { content: string }) => content)).toEqual(
    Array.from({ length: 50 }, (_, i) => `${i + 10}`),
  );
  const posted = await server.post('sage', 'new');
  expect(await chat.next()).toEqual({ type: 'message', message: posted });
  await using replay = await openSocket(`${server.url}/chat/ws?after=59`);
  expect((await replay.next()).message.content).toBe('59');
  expect((await replay.next()).message.content).toBe('new');
});

test('a quiet socket is told how far it is, and pinged', async () => {
  await using server = await quietNode({ streams: { idleMs: 50, tickMs: 20, pingMs: 60, pongMs: 500 } });
  await using hub = await openSocket(`${server.url}/ws`);
  const pinged = new Promise((resolve) => hub.socket.once('ping', resolve));
  hub.send({ type: 'subscribe', sid: 'a', filter: { types: 'none' } });
  await hub.next((frame) => frame.type === 'sync');
  await server.post('link', 'x');
  await hub.next((frame) => frame.type === 'sync' && frame.cursor.endsWith('-1'));
  await pinged;
});
