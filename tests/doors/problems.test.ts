import { afterAll, beforeAll, expect, test } from 'vitest';
import { CATALOGUE, type ErrorCode } from '../../src/kernel/errors.ts';
import { quietNode, type TestNode } from '../support/node.ts';
import { raw, request } from '../support/raw.ts';

let server: TestNode;
let id: string;
let gone: string;
beforeAll(async () => {
  server = await quietNode();
  id = (await server.post('link', 'x', { channel: 'ours' })).id;
  gone = (await server.post('link', 'y')).id;
  await server.send('DELETE', `/chat/messages/${gone}`, { from: 'link' });
  await server.post('link', 'z', { channel: 'closed' });
  await server.send('POST', '/chat/channels/closed/archive', {});
  await server.send('POST', '/chat/messages', { from: 'link', content: 'keyed' }, { 'idempotency-key': 'k' });
});
afterAll(() => server[Symbol.asyncDispose]());

interface Case {
  code: ErrorCode;
  error?: string;
  method?: string;
  path?: string;
  body?: unknown;
  headers?: Record<string, string>;
}

const post = { method: 'POST', path: '/chat/messages' };
const cases: (() => Case)[] = [
  () => ({ code: 'invalid_input', error: 'from and content are required', ...post, body: {} }),
  () => ({ code: 'malformed_json', ...post, body: '{"from":' }),
  () => ({ code: 'malformed_json', ...post, body: '[]' }),
  () => ({ code: 'malformed_json', ...post, body: '"text"' }),
  () => ({ code: 'malformed_json', ...post, headers: { 'content-type': 'application/json' } }),
  () => ({ code: 'malformed_request', path: '/chat/messages/%zz' }),
  () => ({ code: 'malformed_request', path: '/ws' }),
  () => ({ code: 'malformed_request', path: '/chat/ws' }),
  () => ({ code: 'invalid_cursor', path: '/events?after=nonsense!' }),
  () => ({ code: 'invalid_cursor', path: '/chat/messages?cursor=nonsense!' }),
  () => ({
    code: 'invalid_idempotency_key',
    ...post,
    body: { from: 'link', content: 'x' },
    headers: { 'idempotency-key': 'a b' },
  }),
  () => ({ code: 'origin_refused', path: '/health', headers: { origin: 'https://evil.example' } }),
  () => ({ code: 'actor_mismatch', ...post, body: { from: 'link', content: 'x' }, headers: { 'x-agent': 'sage' } }),
  () => ({ code: 'not_the_author', method: 'DELETE', path: `/chat/messages/${id}`, body: { from: 'sage' } }),
  () => ({ code: 'not_a_party', path: '/chat/messages?channel=dm:a:b' }),
  () => ({ code: 'route_not_found', error: 'Not found', path: '/nothing/here' }),
  () => ({ code: 'route_not_found', error: 'Not found', path: '/health/' }),
  () => ({
    code: 'malformed_request',
    error: 'A part of the path is too long.',
    path: `/chat/messages/${'x'.repeat(3_000)}`,
  }),
  () => ({ code: 'message_not_found', error: 'Message not found', path: '/chat/messages/none' }),
  () => ({
    code: 'channel_not_found',
    error: 'Channel not found',
    method: 'POST',
    path: '/chat/channels/none/archive',
    body: {},
  }),
  () => ({ code: 'method_not_allowed', method: 'PUT', path: '/chat/messages', body: {} }),
  () => ({ code: 'method_not_allowed', method: 'OPTIONS', path: '/chat/messages' }),
  () => ({ code: 'channel_archived', ...post, body: { from: 'link', content: 'x', channel: 'closed' } }),
  () => ({ code: 'message_deleted', error: 'Message not found', path: `/chat/messages/${gone}` }),
  () => ({ code: 'cursor_gone', path: '/events?after=999999' }),
  () => ({ code: 'cursor_gone', path: '/events?after=zzzzzzzz-0' }),
  () => ({ code: 'too_large', ...post, body: { from: 'link', content: 'x'.repeat(5_000_000) } }),
  () => ({ code: 'too_large', ...post, body: { from: 'link', content: '€'.repeat(150_000) } }),
  () => ({ code: 'not_json', ...post, body: 'from=link&content=x', headers: { 'content-type': 'text/plain' } }),
  () => ({
    code: 'idempotency_key_reused',
    ...post,
    body: { from: 'link', content: 'other' },
    headers: { 'idempotency-key': 'k' },
  }),
  () => ({
    code: 'thread_in_other_channel',
    ...post,
    body: { from: 'link', content: 'x', channel: 'dev', threadId: id },
  }),
  () => ({ code: 'channel_protected', method: 'POST', path: '/chat/channels/general/archive', body: {} }),
];

test.each(cases.map((make, i) => [i, make] as const))(
  'case %i is a whole problem and changes nothing',
  async (_, make) => {
    const { code, error, method = 'GET', path = '', body, headers } = make();
    const { head } = (await server.get('/health')).body.journal;
    const answer = await server.send(method, path, body, headers);
    expect(answer.body).toMatchObject({
      type: `/errors/${code}`,
      title: CATALOGUE[code].title,
      status: CATALOGUE[code].status,
      detail: expect.stringMatching(/./),
      code,
      hint: CATALOGUE[code].hint,
      success: false,
      error: error ?? expect.stringMatching(/./),
    });
    expect(answer.status).toBe(CATALOGUE[code].status);
    expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    if (code === 'method_not_allowed') expect(answer.headers.get('allow')).toBe('POST, GET');
    expect((await server.get('/health')).body.journal.head).toBe(head);
    // Its type leads to what it means.
    expect((await server.get(answer.body.type)).body).toMatchObject({ code, status: answer.status });
  },
);

test.each([
  ['no HTTP at all', 'hello\r\n\r\n', 400, 'malformed_request'],
  ['headers that are too large', request('GET /health', [`X: ${'x'.repeat(20_000)}`]), 400, 'malformed_request'],
  ['another Host', request('GET /health', ['Host: evil.example']), 421, 'wrong_host'],
] as const)('%s is a problem too', async (_, bytes, status, code) => {
  const answer = await raw(server.port, bytes);
  expect(answer.status).toBe(status);
  expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
  expect(JSON.parse(answer.body)).toMatchObject({ status, code, success: false });
});

test.each([
  ['limit=many', 'limit: a whole number'],
  ['limit=1.5', 'limit: a whole number'],
  ['since=1e3', 'since: a whole number'],
  ['limit=2&limit=3', 'limit: a whole number'],
  ['compact=maybe', 'compact: 1 or 0'],
])('?%s is answered with what it should have been', async (query, detail) => {
  const { status, body } = await server.get(`/chat/messages?${query}`);
  expect([status, body.detail]).toEqual([400, detail]);
});
