import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Answer, type TestNode, testNode } from '../support/node.ts';

const ACCEPT = { accept: 'application/json, text/event-stream' };
const META = 'io.modelcontextprotocol/';
const VERSION = '2026-07-28';

const meta = {
  [`${META}protocolVersion`]: VERSION,
  [`${META}clientInfo`]: { name: 'tests', version: '1.0.0' },
  [`${META}clientCapabilities`]: {},
};
const call = { name: 'post_message', arguments: { agent: 'kai', content: 'x' } };
const headers = { 'mcp-protocol-version': VERSION, 'mcp-method': 'tools/call', 'mcp-name': 'post_message' };

function send(node: TestNode, body: unknown, more: Record<string, string> = {}): Promise<Answer> {
  return node.send('POST', '/mcp', body, { ...ACCEPT, ...more });
}

async function nothingHappened(node: TestNode): Promise<void> {
  expect((await node.get('/chat/messages')).body.messages).toEqual([]);
}

test('what is wrong with a frame is an error of JSON-RPC, with a status, and nothing is done', async () => {
  await using node = await testNode();
  const frame = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { ...call, _meta: meta } };
  const wrong: [string, unknown, Record<string, string>, number][] = [
    ['no JSON', '{"jsonrpc":', headers, 400],
    ['a prototype', '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"__proto__":{"a":1}}}', headers, 400],
    ['nothing', '', headers, 400],
    ['a number', '7', headers, 400],
    ['null', 'null', headers, 400],
    ['an empty batch', [], headers, 400],
    ['no JSON-RPC', { ...frame, jsonrpc: '1.0' }, headers, 400],
    ['no version in the header', frame, { 'mcp-method': 'tools/call', 'mcp-name': 'post_message' }, 400],
    ['another method in the header', frame, { ...headers, 'mcp-method': 'tools/list' }, 400],
    ['another name in the header', frame, { ...headers, 'mcp-name': 'react' }, 400],
    ['no name in the header', frame, { 'mcp-protocol-version': VERSION, 'mcp-method': 'tools/call' }, 400],
    [
      'an unknown version',
      { ...frame, params: { ...call, _meta: { ...meta, [`${META}protocolVersion`]: '2031-01-01' } } },
      { ...headers, 'mcp-protocol-version': '2031-01-01' },
      400,
    ],
    ['an unknown method', { ...frame, method: 'tools/eat' }, { ...headers, 'mcp-method': 'tools/eat' }, 404],
  ];
  for (const [what, body, given, status] of wrong) {
    const answer = await send(node, body, given);
    expect({ what, status: answer.status, body: answer.body }).toMatchObject({
      what,
      status,
      body: { jsonrpc: '2.0', error: { code: expect.any(Number), message: expect.any(String) } },
    });
  }
  await nothingHappened(node);
  expect((await send(node, frame, headers)).body.result.structuredContent.success).toBe(true);
});

test('arguments that are no object, and tools that are not there, are refused', async () => {
  await using node = await testNode();
  for (const params of [
    { name: 'post_message', arguments: 'x' },
    { name: 'post_message', arguments: ['x'] },
    { name: 'post_message', arguments: null },
    { name: 7 },
    { name: 'eat' },
    { name: 'toString' },
    { name: '__proto__' },
    {},
  ]) {
    const frame = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { ...params, _meta: meta } };
    const { body } = await send(node, frame, { ...headers, 'mcp-name': String(params.name ?? '') });
    expect({ params, error: body.error }).toMatchObject({ params, error: { message: expect.any(String) } });
  }
  await nothingHappened(node);
});

test('an older client without a session is served, and one with a session that is none is told so', async () => {
  await using node = await testNode();
  const frame = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: call };
  const answer = await send(node, frame);
  expect(answer.status).toBe(200);
  expect(answer.body).toContain('"success":true');
  const lost = await send(node, frame, { 'mcp-session-id': 'none' });
  expect(lost).toMatchObject({ status: 404, body: { error: { code: -32001 } } });
  expect(await send(node, frame, { accept: 'text/html' })).toMatchObject({ status: 406 });
  expect((await node.get('/mcp')).status).toBe(405);
  expect((await node.send('PUT', '/mcp', {})).status).toBe(405);
});

test('a page of another origin, a body that is not JSON, and one that is too large do not come in', async () => {
  await using node = await testNode();
  const frame = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { ...call, _meta: meta } });
  expect((await send(node, frame, { ...headers, origin: 'https://evil.example' })).status).toBe(403);
  expect((await send(node, frame, { ...headers, 'sec-fetch-site': 'cross-site' })).status).toBe(403);
  expect((await send(node, frame, { ...headers, 'content-type': 'text/plain' })).status).toBe(415);
  const large = {
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: 'post_message', arguments: { agent: 'kai', content: 'x'.repeat(1_100_000) } },
  };
  expect(await send(node, large, headers)).toMatchObject({
    status: 413,
    body: { error: { data: { code: 'too_large' } } },
  });
  await nothingHappened(node);
});

test('ids come back as they were', async () => {
  await using node = await testNode();
  for (const id of [0, -1, 9007199254740991, 'a', '', 'ü\u0000"']) {
    const frame = { jsonrpc: '2.0', id, method: 'tools/call', params: { ...call, _meta: meta } };
    const { body } = await send(node, frame, headers);
    expect(body).toMatchObject({ id, result: { resultType: 'complete' } });
    expect(body.result._meta[`${META}serverInfo`].name).toBe('reflectt-node');
  }
});

test('the library and the direct way answer the same', async () => {
  await using node = await testNode();
  const ask = (more: object) =>
    send(
      node,
      {
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { name: 'get_tasks', arguments: { id: 'task-1-none' }, _meta: { ...meta, ...more } },
      },
      { ...headers, 'mcp-name': 'get_tasks' },
    );
  const direct = await ask({});
  const library = await ask({ progressToken: 1 });
  expect(direct.body).toEqual(library.body);
});

test('more resources than one stream may watch are refused', async () => {
  await using node = await testNode();
  const frame = {
    jsonrpc: '2.0',
    id: 1,
    method: 'subscriptions/listen',
    params: {
      notifications: { resourceSubscriptions: Array.from({ length: 300 }, (_, i) => `channel://c${i}`) },
      _meta: meta,
    },
  };
  const refused = await send(node, frame, { 'mcp-protocol-version': VERSION, 'mcp-method': 'subscriptions/listen' });
  expect(refused).toMatchObject({ status: 413, body: { error: { data: { code: 'too_large' } } } });
});

test('a page of an allowed origin is told its session, and one of another is not', async () => {
  await using node = await testNode({ env: { ALLOWED_ORIGINS: 'https://inspector.example' } });
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'tests', version: '1.0.0' } };
  const frame = { jsonrpc: '2.0', id: 1, method: 'initialize', params };
  const { status, headers: told } = await send(node, frame, { origin: 'https://inspector.example' });
  expect(status).toBe(200);
  expect(told.get('access-control-allow-origin')).toBe('https://inspector.example');
  expect(told.get('access-control-expose-headers')).toContain('Mcp-Session-Id');
  expect(told.get('mcp-session-id')).toMatch(/^[\w-]{20,}$/);
  expect((await send(node, frame, { origin: 'https://evil.example' })).status).toBe(403);
});

const json = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<unknown>;
const anyParams = fc.record(
  {
    name: fc.oneof(fc.constantFrom('post_message', 'call_tool', 'inbox', 'update_task', 'wait'), fc.string()),
    arguments: fc.oneof(
      json,
      fc.dictionary(fc.constantFrom('agent', 'content', 'id', 'action', 'q', 'name', 'input', 'limit'), json),
    ),
    uri: fc.oneof(fc.constantFrom('board://', 'inbox://kai', 'task://%'), fc.string()),
    _meta: fc.oneof(fc.constant(meta), json),
  },
  { requiredKeys: [] },
);
const anyFrame = fc.oneof(
  json,
  fc.record(
    {
      jsonrpc: fc.oneof(fc.constant('2.0'), json),
      id: fc.oneof(fc.integer(), fc.string(), json),
      method: fc.oneof(
        fc.constantFrom(
          'tools/call',
          'tools/list',
          'resources/read',
          'prompts/get',
          'initialize',
          'ping',
          'server/discover',
        ),
        fc.string(),
      ),
      params: fc.oneof(anyParams, json),
    },
    { requiredKeys: [] },
  ),
);

test('whatever comes is answered, and never with a fault of the server', async () => {
  await using node = await testNode();
  await fc.assert(
    fc.asyncProperty(anyFrame, fc.boolean(), async (frame, modern) => {
      const { method, params } = (frame ?? {}) as { method?: string; params?: { name?: string } };
      const plain = (text: unknown) => (typeof text === 'string' && /^[\x21-\x7e]+$/.test(text) ? text : 'x');
      const said = { ...headers, 'mcp-method': plain(method), 'mcp-name': plain(params?.name) };
      const { status, body } = await send(node, JSON.stringify(frame), modern ? said : {});
      expect({ frame, status, body }).toMatchObject({ status: expect.toSatisfy((code: number) => code < 500) });
      expect(JSON.stringify(body)).not.toContain('"internal"');
    }),
    { numRuns: 300 },
  );
  expect((await node.get('/health')).body.status).toBe('ok');
});
