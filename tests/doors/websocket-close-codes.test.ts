import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import WebSocket from 'ws';
import { quietNode } from '../support/node.ts';
import { raw, rawSocket } from '../support/raw.ts';
import { openSocket } from '../support/ws.ts';

test.each([
  ['shutdown', 1001],
  ['restart', 1012],
] as const)('%s: bye, then %i, on both sockets', async (reason, code) => {
  await using server = await quietNode();
  await using hub = await openSocket(`${server.url}/ws`);
  await using chat = await openSocket(`${server.url}/chat/ws`);
  const began = performance.now();
  const closing = server.node.close(reason);
  for (const socket of [hub, chat]) {
    expect(await socket.next(({ type }) => type === 'bye')).toEqual({ type: 'bye', reason, retry_ms: 1_000 });
    expect(await socket.closed).toEqual({ code, reason });
  }
  await closing;
  expect(performance.now() - began).toBeLessThan(2_000);
});

test('1009: a frame over 256 KiB; one of 256 KiB is read', async () => {
  await using server = await quietNode();
  await using fits = await openSocket(`${server.url}/ws`);
  const frame = { type: 'ping', id: 1, filler: '' };
  frame.filler = 'x'.repeat(256 * 1024 - JSON.stringify(frame).length);
  fits.send(frame);
  expect(await fits.next(({ type }) => type === 'pong')).toEqual({ type: 'pong', id: 1 });
  for (const size of [256 * 1024 + 1, 5_000_000])
    for (const path of ['/ws', '/chat/ws']) {
      await using socket = await openSocket(server.url + path);
      socket.send('x'.repeat(size));
      expect((await socket.closed).code).toBe(1009);
    }
  await server.post('link', 'the server lives');
});

test('1013: more streams than MAX_STREAMS, of whatever kind', async () => {
  await using server = await quietNode({ env: { MAX_STREAMS: '2' } });
  await using first = await openSocket(`${server.url}/ws`);
  await using _ = await openSocket(`${server.url}/chat/ws`);
  for (const path of ['/ws', '/chat/ws']) {
    await using third = await openSocket(server.url + path);
    third.send('\0 not even a frame');
    expect(await third.closed).toEqual({ code: 1013, reason: 'too many streams are open' });
  }
  first.socket.close();
  await first.closed;
  await expect
    .poll(async () => {
      await using again = await openSocket(`${server.url}/ws`);
      return again.next().catch(() => 'full');
    })
    .toMatchObject({ type: 'hello' });
});

test.each([
  ['no JSON', 'hello'],
  ['half of it', '{"type":"ping"'],
  ['a list', '[]'],
  ['null', 'null'],
  ['an unknown type', '{"type":"dance"}'],
  ['no type', '{}'],
  ['a prototype for a type', '{"type":"__proto__"}'],
  ['__proto__', '{"type":"ping","__proto__":{"id":1}}'],
  ['__proto__ in an input', '{"type":"call","id":1,"op":"messages.list","input":{"__proto__":{"limit":1}}}'],
  ['constructor.prototype', '{"type":"call","id":1,"op":"messages.list","input":{"constructor":{"prototype":{}}}}'],
  ['a call without op', '{"type":"call","id":1}'],
  ['an input that is a list', '{"type":"call","id":1,"op":"messages.list","input":[]}'],
  ['an empty sid', '{"type":"subscribe","sid":""}'],
  ['a wrong filter', '{"type":"subscribe","sid":"a","filter":{"types":[{}]}}'],
  ['a wrong filter of many bytes', `{"type":"subscribe","sid":"a","filter":{"types":"${'😀'.repeat(500)}"}}`],
  ['deep nesting', `{"type":"ping","id":${'['.repeat(100_000)}${']'.repeat(100_000)}}`],
])('4400: %s', async (_, text) => {
  await using server = await quietNode();
  await using hub = await openSocket(`${server.url}/ws`);
  hub.send(text);
  expect((await hub.closed).code).toBe(4400);
});

test('4400: a binary frame, and a cursor of /chat/ws that is none, however long', async () => {
  await using server = await quietNode();
  await using hub = await openSocket(`${server.url}/ws`);
  hub.socket.send(Buffer.from('{"type":"ping"}'), { binary: true });
  expect((await hub.closed).code).toBe(4400);
  for (const after of ['nonsense!', encodeURIComponent('😀'.repeat(200)), 'x'.repeat(2_000), '1&after=2']) {
    await using chat = await openSocket(`${server.url}/chat/ws?after=${after}`);
    expect((await chat.closed).code).toBe(4400);
  }
  await server.post('link', 'the server lives');
});

test('4401: a token, which this server does not have', async () => {
  await using server = await quietNode();
  await using hub = await openSocket(`${server.url}/ws`);
  hub.send({ type: 'auth', token: 'secret' });
  expect((await hub.closed).code).toBe(4401);
});

test("4403: another agent's events on a socket that has a name", async () => {
  await using server = await quietNode();
  await using hub = await openSocket(`${server.url}/ws?agent=link`);
  hub.send({ type: 'subscribe', sid: 'a', filter: { agent: 'sage' } });
  expect((await hub.closed).code).toBe(4403);
});

test('4410: a cursor of /chat/ws that is gone', async () => {
  await using server = await quietNode();
  for (const after of ['zzzzzzzz-1', '999']) {
    await using chat = await openSocket(`${server.url}/chat/ws?after=${after}`);
    expect((await chat.closed).code).toBe(4410);
  }
});

test('4429: more calls than may be open', async () => {
  await using server = await quietNode();
  await using hub = await openSocket(`${server.url}/ws`);
  for (let id = 0; id <= 4_096; id++) hub.send({ type: 'call', id, op: 'events.list', input: { wait: 60 } });
  expect((await hub.closed).code).toBe(4429);
  await server.post('link', 'the server lives');
});

const UPGRADE = (port: number, path: string) =>
  `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`;

test('4430: a reader that stops is told so where it takes its bytes after all', async () => {
  await using server = await quietNode({ streams: { stallMs: 200, tickMs: 20 } });
  const content = 'x'.repeat(100_000);
  await Promise.all(Array.from({ length: 150 }, () => server.post('link', content)));
  await using socket = await rawSocket(server.port);
  const chunks: Buffer[] = [];
  socket.write(UPGRADE(server.port, '/chat/ws?after=0'));
  socket.pause();
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.pause();
  // Past the stall, and before the server stops waiting for the close frame to be taken.
  await sleep(400);
  socket.resume();
  await new Promise((resolve) => socket.once('close', resolve));
  const bytes = Buffer.concat(chunks);
  const bye = bytes.lastIndexOf('{"type":"bye","reason":"stalled","retry_ms":1000}');
  expect(bye).toBeGreaterThan(0);
  // Close frame: FIN and opcode 8, its length, the code.
  const close = bytes.indexOf(Buffer.from([0x88]), bye);
  expect(bytes.readUInt16BE(close + 2)).toBe(4430);
  expect(bytes.toString('utf8', close + 4, close + 11)).toBe('stalled');
});

test('a reader that never comes back is cut off', async () => {
  await using server = await quietNode({ streams: { stallMs: 200, tickMs: 20 } });
  await Promise.all(Array.from({ length: 150 }, () => server.post('link', 'x'.repeat(100_000))));
  await using socket = await rawSocket(server.port);
  socket.pause();
  socket.write(UPGRADE(server.port, '/chat/ws?after=0'));
  const open = async () => (await server.get('/events/status')).body.connected;
  await expect.poll(open).toBe(1);
  await expect.poll(open, { timeout: 3_000 }).toBe(0);
});

test('a peer that answers no ping is cut off', async () => {
  await using server = await quietNode({ streams: { pingMs: 50, pongMs: 100, tickMs: 20 } });
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/ws`, { autoPong: false });
  const code = await new Promise((resolve) => socket.once('close', resolve));
  expect(code).toBe(1006);
});

test('an upgrade where there is no WebSocket is refused with a problem', async () => {
  await using server = await quietNode();
  for (const [path, status] of [
    ['/health', 400],
    ['/nothing', 404],
    ['/events', 400],
  ] as const)
    await expect(openSocket(server.url + path)).rejects.toThrow(`HTTP ${status}`);
});

const HANDSHAKE = {
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

test.each([
  ['without a key', { 'Sec-WebSocket-Key': undefined }, 'Missing or invalid Sec-WebSocket-Key header.'],
  ['with a key that is none', { 'Sec-WebSocket-Key': 'short' }, 'Missing or invalid Sec-WebSocket-Key header.'],
  ['without a version', { 'Sec-WebSocket-Version': undefined }, 'Missing or invalid Sec-WebSocket-Version header.'],
  ['of a version of long ago', { 'Sec-WebSocket-Version': '7' }, 'Missing or invalid Sec-WebSocket-Version header.'],
  ['to HTTP/2', { Upgrade: 'h2c' }, 'Invalid Upgrade header.'],
  [
    'with a list of protocols that is none',
    { 'Sec-WebSocket-Protocol': 'a,,b' },
    'Invalid Sec-WebSocket-Protocol header.',
  ],
])('an upgrade %s is refused with a problem, and the connection ends', async (_, change, detail) => {
  await using server = await quietNode();
  const { seq } = await server.post('link', 'hello');
  const headers = Object.entries({ Host: `127.0.0.1:${server.port}`, ...HANDSHAKE, ...change })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${value}\r\n`);
  for (const path of ['/ws', '/chat/ws']) {
    const answer = await raw(server.port, `GET ${path} HTTP/1.1\r\n${headers.join('')}\r\n`);
    expect(answer.ended).toBe(true);
    expect(answer.status).toBe(400);
    expect(answer.headers).toMatchObject({
      'content-type': 'application/problem+json; charset=utf-8',
      'content-length': String(Buffer.byteLength(answer.body)),
      'sec-websocket-version': '13, 8',
      'x-seq': String(seq),
    });
    expect(JSON.parse(answer.body)).toMatchObject({
      type: '/errors/malformed_request',
      status: 400,
      code: 'malformed_request',
      detail,
      hint: expect.stringMatching(/./),
      success: false,
    });
  }
});
