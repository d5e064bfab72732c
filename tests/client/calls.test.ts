import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { capabilities } from '../../src/capabilities/index.ts';
import { ConnectionError, createClient, ProblemError } from '../../src/client/node.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { client as http, testNode } from '../support/node.ts';
import { serverProcess } from '../support/process.ts';
import { openProxy } from '../support/proxy.ts';

const retry = { tries: 4, firstMs: 1, mostMs: 5 };

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A server that answers each request as the next handler says; the last answers all that follow. */
async function scripted(...handlers: Handler[]) {
  const seen: { key: string | undefined; at: number }[] = [];
  const server = createServer((request, response) => {
    const handler = handlers[Math.min(seen.length, handlers.length - 1)] as Handler;
    seen.push({ key: request.headers['idempotency-key'] as string | undefined, at: Date.now() });
    request.resume().once('end', () => handler(request, response));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    seen,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const says =
  (status: number, body: unknown, headers: Record<string, string> = {}): Handler =>
  (_, response) =>
    response
      .writeHead(status, { 'content-type': 'application/json', ...headers })
      .end(typeof body === 'string' ? body : JSON.stringify(body));
const hangsUp: Handler = (request) => request.socket.destroy();
const halfAnAnswer: Handler = (request, response) => {
  response.writeHead(200, { 'content-length': 100 }).write('{"succ');
  setTimeout(() => request.socket.destroy(), 5);
};
const problem = (status: number, code: string) => ({
  type: `/errors/${code}`,
  title: 'No',
  status,
  detail: 'Not so.',
  code,
  hint: 'Do otherwise.',
  success: false,
  error: 'no',
});
const done = says(200, { success: true }, { 'x-seq': '7' });

test('every operation of the table is a function of the client, and none is hidden by a name of its own', async () => {
  await using server = await testNode();
  const client = createClient({ url: server.url, agent: 'kai' });
  const groups = client as unknown as Record<string, Record<string, (input?: object) => Promise<unknown>>>;
  for (const { name } of capabilities.flatMap(({ operations }): readonly { name: string }[] => operations)) {
    const [group = '', operation = ''] = name.split('.');
    // What it answers does not matter: it is known.
    const outcome = await groups[group]?.[operation]?.({ wait: 0 }).catch((error: unknown) => error);
    expect(outcome, name).toBeDefined();
    if (outcome instanceof Error) expect(outcome, name).toBeInstanceOf(ProblemError);
    expect((outcome as { code?: string }).code, name).not.toBe('operation_not_found');
  }
  await expect(groups.messages?.shout?.()).rejects.toMatchObject({ code: 'operation_not_found', status: 404 });
  // Looked at by whoever wonders what it is.
  expect(await Promise.resolve(client)).toBe(client);
  expect(JSON.stringify({ ...client.messages })).toBe('{}');
});

test('an answer is told with its seq and its tag, and a change may be bound to it', async () => {
  await using server = await testNode();
  const kai = createClient({ url: server.url, agent: 'kai' });
  const { task } = await kai.tasks.create({ title: 'mend the roof', tags: ['house', 'roof'] });
  expect(task).toMatchObject({ title: 'mend the roof', createdBy: 'kai', tags: ['house', 'roof'] });
  const { etag, seq, result, replayed } = await kai.call('tasks.get', { id: task.id });
  expect({ seq, replayed, id: result.task.id }).toEqual({ seq: expect.any(Number), replayed: false, id: task.id });
  await kai.tasks.update({ id: task.id, priority: 'P1' }, { ifMatch: etag });
  await expect(kai.tasks.update({ id: task.id, priority: 'P2' }, { ifMatch: etag })).rejects.toMatchObject({
    code: 'precondition_failed',
    status: 412,
  });
});

test('a refusal is a ProblemError with code, detail, hint and wrong fields, and is not sent again', async () => {
  await using server = await testNode();
  const kai = createClient({ url: server.url, agent: 'kai' });
  const refusal = await kai.messages.send({ content: '' }).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(ProblemError);
  expect(refusal).toMatchObject({ code: 'invalid_input', status: 400, errors: [{ pointer: '/content' }] });
  expect((refusal as ProblemError).hint).not.toBe('');
  for (const status of [400, 404, 409, 422, 429, 500, 507]) {
    await using fake = await scripted(says(status, problem(status, 'conflict'), { 'retry-after': '1' }));
    const kai = createClient({ url: fake.url, agent: 'kai', retry });
    await expect(kai.messages.send({ content: 'x' })).rejects.toMatchObject({ status, code: 'conflict' });
    expect(fake.seen).toHaveLength(1);
  }
});

test.each([
  ['a connection that is cut', hangsUp],
  ['half an answer', halfAnAnswer],
  ['502 of a proxy', says(502, '<html>')],
  ['503', says(503, problem(503, 'outcome_unknown'))],
  ['an answer that is no JSON', says(200, '{"suc')],
])('after %s the same call is sent again with the same key', async (_, fails) => {
  await using fake = await scripted(fails, fails, done);
  const kai = createClient({ url: fake.url, agent: 'kai', retry });
  expect((await kai.call('messages.send', { content: 'x' })).seq).toBe(7);
  expect(fake.seen).toHaveLength(3);
  expect(new Set(fake.seen.map(({ key }) => key)).size).toBe(1);
  expect(fake.seen[0]?.key).toMatch(/^[0-9a-f]{32}$/);
  await kai.messages.send({ content: 'x' });
  expect(fake.seen[3]?.key).not.toBe(fake.seen[0]?.key);
});

test('tries are bounded: then the last problem is told, or that no answer came', async () => {
  await using busy = await scripted(says(503, problem(503, 'index_unavailable')));
  await expect(createClient({ url: busy.url, retry }).system.health()).rejects.toMatchObject({
    code: 'index_unavailable',
  });
  expect(busy.seen).toHaveLength(4);
  await using cut = await scripted(hangsUp);
  const failure = await createClient({ url: cut.url, retry })
    .system.health()
    .catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(ConnectionError);
  expect((failure as Error).cause).toBeInstanceOf(Error);
  expect(cut.seen).toHaveLength(4);
});

test('Retry-After is waited for', async () => {
  await using fake = await scripted(says(503, problem(503, 'shutting_down'), { 'retry-after': '1' }), done);
  await createClient({ url: fake.url, retry }).system.health();
  const [first = 0, second = 0] = fake.seen.map(({ at }) => at);
  expect(second - first).toBeGreaterThanOrEqual(990);
});

test('an answer that does not come is given up and asked for again; a signal ends it at once', async () => {
  await using fake = await scripted(() => {}, done);
  await createClient({ url: fake.url, retry, timeoutMs: 1_000 }).system.health();
  expect(fake.seen).toHaveLength(2);
  await using silent = await scripted(() => {});
  const stop = new AbortController();
  const call = createClient({ url: silent.url }).system.health({}, { signal: stop.signal });
  await expect.poll(() => silent.seen.length, { timeout: 15_000 }).toBe(1);
  stop.abort(new Error('enough'));
  await expect(call).rejects.toThrow('enough');
  expect(silent.seen).toHaveLength(1);
  await expect(createClient({ url: silent.url }).system.health({}, { signal: stop.signal })).rejects.toThrow('enough');
  expect(silent.seen).toHaveLength(1);
});

test('what answers otherwise than this server does is said to do so', async () => {
  await using fake = await scripted(says(404, '<html>not here</html>'));
  const failure = await createClient({ url: fake.url, retry })
    .system.health()
    .catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(ConnectionError);
  expect((failure as Error).message).toContain('404');
  expect(fake.seen).toHaveLength(1);
});

test('a server that is killed after it stored a message and before it answered has stored it once', async () => {
  using dir = temporaryDirectory();
  await using proxy = await openProxy();
  const env = { ALLOWED_HOSTS: `127.0.0.1:${proxy.port}` };
  await using first = await serverProcess({ dir: dir.path, env });
  proxy.target = first.port;
  const kai = createClient({ url: proxy.url, agent: 'kai', retry: { tries: 40, firstMs: 50, mostMs: 400 } });
  let second: Awaited<ReturnType<typeof serverProcess>> | undefined;
  try {
    proxy.beforeAnswer = async () => {
      await first.end('SIGKILL');
      second = await serverProcess({ dir: dir.path, env });
      proxy.target = second.port;
      return true;
    };
    const { result, replayed } = await kai.call('messages.send', { content: 'once' });
    expect(replayed).toBe(true);
    const { messages } = await kai.messages.list({});
    expect(messages.map(({ id, content }) => [id, content])).toEqual([[result.message.id, 'once']]);
  } finally {
    await second?.end('SIGKILL');
  }
}, 60_000);

test('POST /call/<operation> takes any operation by name, with the answer of its route', async () => {
  await using server = await testNode();
  const { post, send } = { ...server, ...http(server.url) };
  const { id } = await post('ada', 'hello');
  const called = await send('POST', '/call/messages.get', { id });
  expect(called.status).toBe(200);
  expect(called.body).toEqual((await server.get(`/chat/messages/${id}`)).body);
  expect(Number(called.headers.get('x-seq'))).toBeGreaterThan(0);
  expect((await send('POST', '/call/messages.shout', {})).body).toMatchObject({ code: 'operation_not_found' });
  expect((await send('POST', '/call/messages.get', [])).body).toMatchObject({ code: 'malformed_json' });
  expect((await send('POST', '/call/messages.get', {})).body).toMatchObject({ code: 'invalid_input' });
  expect((await send('GET', '/call/messages.get')).status).toBe(405);
  const named = await send('POST', '/call/messages.send', { content: 'x', from: 'ada' }, { 'x-agent': 'bob' });
  expect(named.body).toMatchObject({ code: 'actor_mismatch' });
});
