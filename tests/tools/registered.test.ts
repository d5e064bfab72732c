import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../support/directory.ts';
import { type TestNode, testNode } from '../support/node.ts';
import { addTool, toolFolder, toolNode, until } from '../support/tools.ts';

interface Endpoint extends AsyncDisposable {
  url: string;
  port: number;
  asked: { body: unknown; headers: IncomingMessage['headers'] }[];
}

/** A server of an agent's own that answers calls. */
async function endpoint(answer: (body: never, response: ServerResponse) => void): Promise<Endpoint> {
  const asked: Endpoint['asked'] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (data) => (text += data));
    request.on('end', () => {
      const body = text === '' ? undefined : JSON.parse(text);
      asked.push({ body, headers: request.headers });
      answer(body as never, response);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}/call`,
    port,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const DOUBLE = {
  agent: 'ada',
  description: 'Doubles a number.',
  input_schema: { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] },
  output_schema: { type: 'number' },
};

const register = (server: TestNode, name: string, more: object) =>
  server.send('PUT', `/tools/${name}`, { ...DOUBLE, ...more });
const call = (server: TestNode, name: string, input: object = { n: 2 }, more: object = {}) =>
  server.send('POST', `/tools/${name}/call`, { agent: 'kai', input, ...more });

test('an agent brings a tool behind a URL; others find it and call it, also after a restart', async () => {
  await using ada = await endpoint(({ input }: { input: { n: number } }, response) =>
    response.end(JSON.stringify(input.n * 2)),
  );
  using dir = temporaryDirectory();
  {
    await using server = await testNode({ dir: dir.path });
    const { status, body } = await register(server, 'double', { endpoint: ada.url });
    expect(status).toBe(200);
    expect(body.tool).toMatchObject({
      name: 'double',
      agent: 'ada',
      source: 'endpoint',
      category: 'agents',
      status: 'ready',
    });
    const head = (await register(server, 'double', { endpoint: ada.url })).headers.get('x-seq');
    expect((await server.get('/tools?q=doubles')).body.tools).toMatchObject([{ name: 'double', agent: 'ada' }]);
    expect((await call(server, 'double')).body).toMatchObject({ success: true, result: 4 });
    expect(ada.asked[0]).toMatchObject({ body: { tool: 'double', agent: 'kai', input: { n: 2 } } });
    const { events } = (await server.get(`/events?after=earliest&types=tool_*`)).body;
    expect(events.map(({ type, actor }: Record<string, string>) => [type, actor])).toEqual([
      ['tool_registered', 'ada'],
      ['tool_called', 'kai'],
    ]);
    expect(events[0].seq).toBeLessThanOrEqual(Number(head));
    expect(events[1].data).toMatchObject({ tool: 'double', owner: 'ada', agent: 'kai' });
  }
  await using server = await testNode({ dir: dir.path });
  expect((await call(server, 'double')).body).toMatchObject({ success: true, result: 4 });
  expect((await server.get('/snapshot')).body.tools).toMatchObject([{ name: 'double', agent: 'ada' }]);
  const wrong = await call(server, 'double', { n: 'two' });
  expect(wrong).toMatchObject({ status: 422, body: { errors: [{ pointer: '/input/n', detail: 'must be number' }] } });
  expect(ada.asked).toHaveLength(2);
});

test('only its owner replaces and removes a tool; a tool of a folder has no such owner', async () => {
  using folder = toolFolder();
  addTool(folder, 'mine', 'export default () => 1;');
  await using server = await toolNode(folder);
  const there = { endpoint: 'http://127.0.0.1:9/' };
  await register(server, 'double', there);
  expect(await register(server, 'double', { ...there, agent: 'kai' })).toMatchObject({
    status: 403,
    body: { code: 'tool_of_another', agent: 'ada' },
  });
  expect((await server.send('DELETE', '/tools/double', { agent: 'kai' })).status).toBe(403);
  expect((await register(server, 'mine', there)).body.code).toBe('tool_of_another');
  expect((await server.send('DELETE', '/tools/mine', { agent: 'ada' })).body.code).toBe('tool_of_another');
  expect((await server.send('DELETE', '/tools/nobody', { agent: 'ada' })).body.code).toBe('tool_not_found');
  expect((await register(server, 'double', { ...there, description: 'Another.' })).body.tool.description).toBe(
    'Another.',
  );
  expect((await server.send('DELETE', '/tools/double', { agent: 'ada' })).status).toBe(200);
  expect((await call(server, 'double')).status).toBe(404);
  // What an agent had first stays its name; a folder's is then called by both.
  await register(server, 'late', there);
  addTool(folder, 'late', "export default () => 'of the folder';");
  await until(
    async () => (await server.get('/tools/test.late')).status,
    (status) => status === 200,
  );
  const { tools } = (await server.get('/tools?q=late')).body;
  expect(tools.map(({ name, source }: Record<string, string>) => [name, source])).toEqual([
    ['late', 'endpoint'],
    ['test.late', 'folder'],
  ]);
  expect((await call(server, 'test.late', {})).body.result).toBe('of the folder');
});

test('a registration that cannot be is refused, field by field', async () => {
  await using server = await testNode({ env: { TOOL_ENDPOINT_HOSTS: 'tools.example.org,other.example.org:8443' } });
  const pointers = async (more: object) => {
    const { status, body } = await register(server, 'double', more);
    expect(status, JSON.stringify(body)).toBe(400);
    return body.errors.map(({ pointer }: { pointer: string }) => pointer);
  };
  for (const url of [
    'no url',
    'ftp://127.0.0.1/',
    'http://example.com/',
    'http://10.0.0.1/',
    'http://169.254.169.254/latest',
    'http://[::ffff:10.0.0.1]/',
    'http://tools.example.org.evil.com/',
    'http://other.example.org/',
    'http://user:pass@127.0.0.1:9/',
    'http://127.0.0.1:9/#x',
    `${server.url}/tools/double/call`,
    server.url.replace('127.0.0.1', 'localhost'),
  ])
    expect(await pointers({ endpoint: url }), url).toEqual(['/endpoint']);
  for (const url of ['http://tools.example.org:9/a', 'https://other.example.org:8443/'])
    expect((await register(server, 'fine', { endpoint: url })).status, url).toBe(200);
  const endpoint = 'http://127.0.0.1:9/';
  expect(await pointers({})).toEqual(['/endpoint']);
  expect(await pointers({ endpoint, connection: true })).toEqual(['/endpoint']);
  expect(await pointers({ connection: true })).toEqual(['/connection']);
  expect(await pointers({ endpoint, input_schema: { type: 'strange' } })).toEqual(['/input_schema']);
  expect(await pointers({ endpoint, input_schema: { $ref: 'http://127.0.0.1:9/a.json' } })).toEqual(['/input_schema']);
  expect(await pointers({ endpoint, output_schema: { $ref: '#/nowhere' } })).toEqual(['/output_schema']);
  expect(await pointers({ endpoint, input_schema: { enum: ['x'.repeat(70_000)] } })).toEqual(['/input_schema']);
  expect(await pointers({ endpoint, input_schema: undefined })).toEqual(['/input_schema']);
  expect((await server.send('PUT', '/tools/a%20b', { ...DOUBLE, endpoint })).status).toBe(400);
  for (let i = 0; i < 99; i++) await register(server, `t${i}`, { endpoint });
  expect(await register(server, 'one_more', { endpoint })).toMatchObject({
    status: 429,
    body: { code: 'rate_limited' },
  });
  expect((await server.get('/tools?limit=1')).body.count).toBe(100);
});

test('an endpoint that fails is told, however it fails', async () => {
  const answers: Record<string, (response: ServerResponse) => void> = {
    status: (response) => response.writeHead(500).end('out of order'),
    html: (response) => response.end('<html>'),
    large: (response) => response.end(JSON.stringify('x'.repeat(1_100_000))),
    redirect: (response) => response.writeHead(302, { location: 'http://127.0.0.1:9/' }).end(),
    hangs: () => {},
    breaks: (response) => response.destroy(),
    wrong: (response) => response.end('"four"'),
    empty: (response) => response.end(),
  };
  await using ada = await endpoint(({ tool }: { tool: string }, response) => answers[tool]?.(response));
  await using server = await testNode();
  const codes: Record<string, string> = {};
  for (const name of Object.keys(answers)) {
    await register(server, name, { endpoint: ada.url });
    codes[name] = (await call(server, name, { n: 1 }, { timeout: name === 'hangs' ? 1 : 30 })).body.error.code;
  }
  await register(server, 'nobody', { endpoint: 'http://127.0.0.1:9/' });
  codes.nobody = (await call(server, 'nobody')).body.error.code;
  expect(codes).toEqual({
    status: 'refused',
    html: 'invalid_output',
    large: 'too_large',
    redirect: 'refused',
    hangs: 'timeout',
    breaks: 'unreachable',
    wrong: 'invalid_output',
    empty: 'invalid_output',
    nobody: 'unreachable',
  });
});

test('a schema that takes for ever harms neither who registers nor others', async () => {
  await using ada = await endpoint((_, response) => response.end('1'));
  await using server = await testNode();
  const slow = { type: 'object', properties: { n: { type: 'string', pattern: '^(a|a)*$' } } };
  await register(server, 'slow', { endpoint: ada.url, input_schema: slow });
  await register(server, 'quick', { endpoint: ada.url });
  const [stuck, fine] = await Promise.all([
    call(server, 'slow', { n: `${'a'.repeat(60)}!` }),
    call(server, 'quick', { n: 1 }),
  ]);
  expect(stuck).toMatchObject({ status: 422, body: { code: 'invalid_tool_input' } });
  expect(fine.body).toMatchObject({ success: true, result: 1 });
  let deep: object = {};
  for (let i = 0; i < 60; i++) deep = { allOf: [deep, { not: {} }] };
  expect((await register(server, 'deep', { endpoint: ada.url, input_schema: deep })).status).toBe(400);
});
