import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestNode, testNode } from '../support/node.ts';
import { raw, rawSocket, request } from '../support/raw.ts';

let server: TestNode;
let host: string;
beforeAll(async () => {
  server = await testNode();
  host = `Host: 127.0.0.1:${server.port}`;
});
afterAll(() => server[Symbol.asyncDispose]());

const BODY = '{"from":"mallory","content":"x"}';

async function code(bytes: string): Promise<string> {
  const { status, body } = await raw(server.port, bytes);
  return `${status} ${(JSON.parse(body) as { code: string }).code}`;
}

test.each([
  'text/plain',
  'text/plain; charset=application/json',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=application/json',
  'application/jsonp',
  'application/json, text/plain',
  'application/xml',
  '*/*',
])('a body that says it is %s is 415, whatever is in it', async (type) => {
  for (const line of [
    'POST /chat/messages',
    'PATCH /chat/messages/x',
    'DELETE /chat/messages/x',
    'POST /events/config',
  ])
    expect(await code(request(line, [host, `Content-Type: ${type}`], BODY))).toBe('415 not_json');
});

test('a body without a type is 415; application/json is taken in every spelling', async () => {
  expect(await code(request('POST /chat/messages', [host], BODY))).toBe('415 not_json');
  for (const type of [
    'application/json',
    'Application/JSON',
    'application/json; charset=utf-8',
    'application/json;charset=UTF-8',
  ])
    expect((await raw(server.port, request('POST /chat/messages', [host, `Content-Type: ${type}`], BODY))).status).toBe(
      200,
    );
});

test.each([
  '{"from":"m","content":"x","__proto__":{"to":"x"}}',
  '{"from":"m","content":"x","metadata":{"__proto__":{"polluted":1}}}',
  '{"from":"m","content":"x","metadata":{"constructor":{"prototype":{"polluted":1}}}}',
  '{"from":"m","content":"x","metadata":{"\\u005f_proto__":{"polluted":1}}}',
])('a body that reaches for prototypes is refused: %s', async (body) => {
  const answer = await raw(server.port, request('POST /chat/messages', [host, 'Content-Type: application/json'], body));
  expect(answer.status).toBe(400);
  expect(JSON.parse(answer.body)).toMatchObject({
    code: 'malformed_json',
    detail: expect.stringContaining('__proto__'),
  });
  expect(({} as { polluted?: number }).polluted).toBeUndefined();
});

test('a query that reaches for prototypes changes nothing', async () => {
  const { status } = await server.get('/chat/messages?__proto__[limit]=1&__proto__=x&constructor=y');
  expect(status).toBe(200);
  expect(({} as { limit?: number }).limit).toBeUndefined();
});

test.each([
  '/docs/../package.json',
  '/docs/..%2fpackage.json',
  '/docs/%2e%2e/package.json',
  '/docs/%2e%2e%2f%2e%2e%2fpackage.json',
  '/docs/..\\package.json',
  '/docs//etc/passwd',
  '/../../../../etc/passwd',
  '/errors/../health%00',
  '/errors/__proto__',
  '/errors/constructor',
  '/docs/%00',
  '//evil.example/health',
])('%s leads nowhere', async (path) => {
  const answer = await raw(server.port, request(`GET ${path}`, [host]));
  expect(answer.status).toBe(404);
  expect(JSON.parse(answer.body).code).toBe('route_not_found');
});

test.each([
  '%00',
  '%0d%0aX-Evil:%201',
  '%ff',
  '%f0%9f%98%80',
  "'; DROP TABLE messages; --",
  '..%2f..%2fetc',
  'x'.repeat(15_000),
])('the id %s finds nothing and breaks nothing', async (id) => {
  for (const end of ['', '/thread', '/reactions']) {
    const answer = await raw(server.port, request(`GET /chat/messages/${id.replaceAll(' ', '%20')}${end}`, [host]));
    expect([400, 404]).toContain(answer.status);
    expect(answer.headers).not.toHaveProperty('x-evil');
    expect(answer.body.length).toBeLessThan(2_000);
  }
});

test('5 MB of body are 413, with a length and without', async () => {
  const big = JSON.stringify({ from: 'mallory', content: 'x'.repeat(5_000_000) });
  const headers = { 'content-type': 'application/json' };
  expect((await server.send('POST', '/chat/messages', big)).status).toBe(413);
  const chunked = await fetch(`${server.url}/chat/messages`, {
    method: 'POST',
    headers,
    body: new Blob([big]).stream(),
    duplex: 'half',
  } as RequestInit);
  expect(chunked.status).toBe(413);
  // A length that lies is refused before a byte of it comes.
  const { status } = await raw(
    server.port,
    `POST /chat/messages HTTP/1.1\r\n${host}\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n`,
    500,
  );
  expect(status).toBe(413);
});

test('two lengths, and a length beside chunks, are refused: nothing is smuggled', async () => {
  const smuggled = `GET /health HTTP/1.1\r\n${host}\r\n\r\n`;
  for (const headers of [
    'Content-Length: 5\r\nContent-Length: 6',
    'Content-Length: 5\r\nTransfer-Encoding: chunked',
    'Transfer-Encoding: xchunked',
    'Content-Length: +5',
  ]) {
    const { text } = await raw(
      server.port,
      `POST /chat/messages HTTP/1.1\r\n${host}\r\nContent-Type: application/json\r\n${headers}\r\n\r\n0\r\n\r\n${smuggled}`,
      500,
    );
    expect(text).toMatch(/^HTTP\/1.1 400 /);
    expect(text).not.toContain('"status":"ok"');
  }
});

test('a header with a line break in it, or a bare CR, is refused', async () => {
  for (const header of ['X-Agent: a\rX: b', 'X-Agent: a\0b', 'X Agent: a', 'X-Agent : a'])
    expect((await raw(server.port, request('GET /health', [host, header]))).status).toBe(400);
});

test('pipelined requests are answered each, in order', async () => {
  const paths = ['/events/config', '/nothing', '/chat/rooms', '/events/config'];
  const bytes = paths.map((path) => `GET ${path} HTTP/1.1\r\n${host}\r\n\r\n`).join('');
  const { text } = await raw(server.port, bytes + request('GET /chat/channels', [host]));
  expect([...text.matchAll(/HTTP\/1.1 (\d+)/g)].map(([, status]) => status)).toEqual([
    '200',
    '404',
    '200',
    '200',
    '200',
  ]);
  const order = ['batchWindowMs', 'route_not_found', '"rooms"', '"channels"'].map((word) => text.indexOf(word));
  expect(order).toEqual([...order].sort((a, b) => a - b));
});

test('slow heads and slow bodies are cut: the limits are set', () => {
  const { app } = server.node;
  expect(app.server.headersTimeout).toBe(10_000);
  expect(app.server.requestTimeout).toBe(30_000);
  expect(app.server.keepAliveTimeout).toBe(72_000);
  expect(app.server.maxRequestsPerSocket).toBe(0);
});

test('a head that never ends is cut, and told why', async () => {
  await using slow = await testNode();
  slow.node.app.server.headersTimeout = 100;
  await using socket = await rawSocket(slow.port);
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
  socket.write(`GET /health HTTP/1.1\r\nHost: 127.0.0.1:${slow.port}\r\nX-Slow: `);
  await once(socket, 'close');
  expect(text).toMatch(/^HTTP\/1.1 400 /);
  expect(text).toContain('did not arrive in time');
}, 10_000);

test('after all this the server is well', async () => {
  expect((await server.get('/health')).body.status).toBe('ok');
  await server.post('link', 'still here');
});
