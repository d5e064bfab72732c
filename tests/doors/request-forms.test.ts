import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestNode, testNode } from '../support/node.ts';
import { raw } from '../support/raw.ts';

let server: TestNode;
beforeAll(async () => {
  server = await testNode();
});
afterAll(() => server[Symbol.asyncDispose]());

async function post(body: Uint8Array<ArrayBuffer> | string, headers: Record<string, string>) {
  const response = await fetch(`${server.url}/chat/messages`, { method: 'POST', headers, body });
  return { status: response.status, seq: response.headers.get('x-seq'), body: await response.json() };
}

const MESSAGE = JSON.stringify({ from: 'link', content: 'grüße' });

test('JSON is UTF-8: other bytes are refused, not stored as question marks', async () => {
  const latin1 = Uint8Array.from(Buffer.from(MESSAGE, 'latin1'));
  const answer = await post(latin1, { 'content-type': 'application/json' });
  expect(answer).toMatchObject({ status: 400, body: { code: 'malformed_json', detail: 'The body is not UTF-8.' } });
  expect((await server.get('/chat/messages')).body.messages).toEqual([]);
});

test.each(['application/json; charset=latin1', 'application/json; charset=utf-16', 'application/jsonp', 'text/json'])(
  'a body that is %s is refused',
  async (type) => {
    expect(await post(MESSAGE, { 'content-type': type })).toMatchObject({ status: 415, body: { code: 'not_json' } });
  },
);

test.each([
  'application/json',
  'application/json;charset=utf-8',
  'Application/JSON; charset="UTF-8"',
  'application/json;',
])('a body that is %s is read', async (type) => {
  expect((await post(MESSAGE, { 'content-type': type })).body).toMatchObject({ message: { content: 'grüße' } });
});

test('a compressed body is refused in words', async () => {
  const answer = await post(Uint8Array.from(gzipSync(MESSAGE)), {
    'content-type': 'application/json',
    'content-encoding': 'gzip',
  });
  expect(answer).toMatchObject({ status: 415, body: { code: 'not_json', detail: expect.stringContaining('gzip') } });
});

test('a DELETE that says what it would send, and sends nothing, is one without a body', async () => {
  const { id } = await server.post('link', 'gone soon');
  const response = await fetch(`${server.url}/chat/messages/${id}`, {
    method: 'DELETE',
    headers: { 'content-type': 'application/json', 'x-agent': 'link' },
  });
  expect(response.status).toBe(200);
});

test('a refusal says at which event it stands, like every answer', async () => {
  const { seq } = await server.post('link', 'one more');
  expect((await post('{}', { 'content-type': 'application/json' })).seq).toBe(String(seq));
  expect((await server.get('/nowhere')).headers.get('x-seq')).toBe(String(seq));
});

test('a page of a thread holds as many messages as were asked for, its first message among them', async () => {
  const { id } = await server.post('link', 'first');
  const replies = [await server.post('kai', 'a', { threadId: id }), await server.post('kai', 'b', { threadId: id })];
  const seen: string[] = [];
  let cursor = '';
  for (let page = 0; page < 3; page++) {
    const { body } = await server.get(`/chat/messages/${id}/thread?limit=1${cursor}`);
    expect(body.messages).toHaveLength(1);
    expect(body.count).toBe(3);
    seen.push(body.messages[0].id);
    cursor = `&cursor=${body.cursor}`;
  }
  expect(seen).toEqual([id, ...replies.map((reply) => reply.id)]);
});

test('a client that tries for HTTP/2 is told to use HTTP/1.1', async () => {
  const upgrade = ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQBAAAA'];
  const head = ['GET /health HTTP/1.1', `Host: 127.0.0.1:${server.port}`, ...upgrade, '', ''].join('\r\n');
  const answer = await raw(server.port, head);
  expect(answer.status).toBe(400);
  expect(JSON.parse(answer.body).detail).toContain('use HTTP/1.1 without an Upgrade header');
});
