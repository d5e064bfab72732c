import { expect, test } from 'vitest';
import { temporaryDirectory } from '../support/directory.ts';
import { type TestNode, testNode } from '../support/node.ts';
import { until } from '../support/tools.ts';
import { openSocket, type TestSocket } from '../support/ws.ts';

const PING = { description: 'Answers.', input_schema: { type: 'object' }, connection: true };

/** Milliseconds to wait for a frame: the first tool starts a thread. */
const PATIENCE = 20_000;

/** Registers a tool over a connection, and answers what the server says to it. */
async function bring(socket: TestSocket, name: string, more: object = {}): Promise<Record<string, unknown>> {
  socket.send({ type: 'call', id: name, op: 'tools.register', input: { name, ...PING, ...more } });
  return socket.next(({ type, id }) => type === 'result' && id === name, PATIENCE);
}

const call = (server: TestNode, name: string, more: object = {}) =>
  server.send('POST', `/tools/${name}/call`, { agent: 'kai', input: { word: 'hello' }, ...more });

test('a tool of a connection: calls come as frames, and replies are the results', async () => {
  await using server = await testNode();
  await using ada = await openSocket(`${server.url}/ws?agent=ada`);
  expect(await bring(ada, 'ping')).toMatchObject({
    ok: true,
    result: { tool: { source: 'connection', agent: 'ada' } },
  });
  const answer = call(server, 'ping');
  const ask = await ada.next(({ type }) => type === 'ask', PATIENCE);
  expect(ask).toEqual({
    type: 'ask',
    id: ask.id,
    op: 'tools.call',
    input: { tool: 'ping', agent: 'kai', input: { word: 'hello' } },
  });
  ada.send({ type: 'reply', id: ask.id, ok: true, result: { heard: 'hello' } });
  expect((await answer).body).toMatchObject({ success: true, result: { heard: 'hello' } });
  const refused = call(server, 'ping');
  ada.send({
    type: 'reply',
    id: (await ada.next(({ type }) => type === 'ask', PATIENCE)).id,
    ok: false,
    error: 'not now',
  });
  expect((await refused).body).toMatchObject({ success: false, error: { code: 'refused', message: 'not now' } });
  // What nobody asked, or asks no more, is passed over.
  ada.send({ type: 'reply', id: ask.id, ok: true, result: 'again' });
  ada.send({ type: 'ping' });
  expect(await ada.next(({ type }) => type === 'pong', PATIENCE)).toBeDefined();
});

test('a client may call its own tool, and many are asked at once', async () => {
  await using server = await testNode();
  await using ada = await openSocket(`${server.url}/ws?agent=ada`);
  await bring(ada, 'ping');
  for (let id = 0; id < 20; id++)
    ada.send({ type: 'call', id, op: 'tools.call', input: { name: 'ping', input: { id } } });
  const asks = [];
  for (let i = 0; i < 20; i++) asks.push(await ada.next(({ type }) => type === 'ask', PATIENCE));
  for (const { id, input } of asks.reverse()) ada.send({ type: 'reply', id, ok: true, result: input.input.id });
  for (let i = 0; i < 20; i++) {
    const { id, result } = await ada.next(({ type, ok }) => type === 'result' && ok === true, PATIENCE);
    expect(result).toMatchObject({ success: true, result: id });
  }
});

test('one that does not answer is waited for no longer than said; one that leaves, not at all', async () => {
  await using server = await testNode();
  await using ada = await openSocket(`${server.url}/ws?agent=ada`);
  await bring(ada, 'ping');
  expect((await call(server, 'ping', { timeout: 1 })).body.error.code).toBe('timeout');
  const answer = call(server, 'ping', { timeout: 60 });
  await ada.next(({ type, id }) => type === 'ask' && id === 2, PATIENCE);
  ada.socket.terminate();
  expect((await answer).body.error.code).toBe('gone');
  expect((await call(server, 'ping')).status).toBe(404);
  expect((await server.get('/tools')).body.tools).toEqual([]);
  const { events } = (await server.get('/events?after=earliest&types=tool_removed')).body;
  expect(events.map(({ actor, data }: Record<string, unknown>) => [actor, data])).toEqual([
    ['system', { name: 'ping', agent: 'ada', reason: 'disconnected' }],
  ]);
});

test('more than 64 unanswered questions to one connection are refused', async () => {
  await using server = await testNode();
  await using ada = await openSocket(`${server.url}/ws?agent=ada`);
  await bring(ada, 'ping');
  const calls = Array.from({ length: 64 }, () => call(server, 'ping', { timeout: 30 }));
  for (let i = 0; i < 64; i++) await ada.next(({ type }) => type === 'ask', PATIENCE);
  expect((await call(server, 'ping')).body.error).toMatchObject({
    code: 'refused',
    message: expect.stringContaining('64'),
  });
  for (let id = 1; id <= 64; id++) ada.send({ type: 'reply', id, ok: true });
  for (const { body } of await Promise.all(calls)) expect(body).toMatchObject({ success: true, result: null });
});

test('the name is free again when the connection is gone, and is taken by one at a time', async () => {
  await using server = await testNode();
  await using ada = await openSocket(`${server.url}/ws?agent=ada`);
  await using kai = await openSocket(`${server.url}/ws?agent=kai`);
  await bring(ada, 'ping');
  expect(await bring(kai, 'ping')).toMatchObject({ ok: false, code: 'tool_of_another' });
  ada.socket.close(1000);
  await ada.closed;
  await until(
    async () => (await server.get('/tools/ping')).status,
    (status) => status === 404,
  );
  expect(await bring(kai, 'ping')).toMatchObject({ ok: true });
  // The same agent, elsewhere: calls go to the new connection, and the end of the old one takes nothing away.
  await using again = await openSocket(`${server.url}/ws?agent=kai`);
  await bring(again, 'ping', { description: 'Answers from here.' });
  kai.socket.close(1000);
  await kai.closed;
  const answer = call(server, 'ping');
  again.send({
    type: 'reply',
    id: (await again.next(({ type }) => type === 'ask', PATIENCE)).id,
    ok: true,
    result: 'here',
  });
  expect((await answer).body.result).toBe('here');
});

test('after a restart no connection is there, and what depended on one is gone', async () => {
  using dir = temporaryDirectory();
  let ada: TestSocket | undefined;
  {
    await using server = await testNode({ dir: dir.path });
    ada = await openSocket(`${server.url}/ws?agent=ada`);
    await bring(ada, 'ping');
  }
  await ada[Symbol.asyncDispose]();
  await using server = await testNode({ dir: dir.path });
  expect((await server.get('/tools')).body.tools).toEqual([]);
  const { events } = (await server.get('/events?after=earliest&types=tool_*')).body;
  expect(events.map(({ type }: { type: string }) => type)).toEqual(['tool_registered', 'tool_removed']);
});

test('a reply that is none closes the connection, as any bad frame', async () => {
  await using server = await testNode();
  await using ada = await openSocket(`${server.url}/ws?agent=ada`);
  ada.send({ type: 'reply', id: 'one', ok: true });
  expect((await ada.closed).code).toBe(4400);
});
