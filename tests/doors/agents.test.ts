import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestNode, testNode } from '../support/node.ts';
import { openSocket } from '../support/ws.ts';

let server: TestNode;
beforeAll(async () => void (server = await testNode()));
afterAll(async () => void (await server[Symbol.asyncDispose]()));

const put = (name: string, fields: object, headers: Record<string, string> = {}) =>
  server.send('PUT', `/agents/${name}`, fields, headers);

test('an agent says who it is, and whoever asks is told', async () => {
  const { status, body, headers } = await put('link', { role: 'Backend', aliases: ['Scout'] }, { 'x-agent': 'link' });
  expect([status, body.success]).toEqual([200, true]);
  expect(headers.get('etag')).toBe(`"${body.agent.seq}"`);
  expect((await server.get('/agents/scout')).body).toEqual({ agent: body.agent });
  expect((await server.get('/agents')).body).toEqual({ agents: [body.agent], count: 1 });
  expect((await server.get('/team/roles')).body).toEqual({
    agents: [{ name: 'link', aliases: ['Scout'], role: 'Backend' }],
  });
  expect((await server.get('/me', { 'x-agent': 'link' })).body).toEqual({
    name: 'link',
    kind: 'agent',
    agent: body.agent,
  });
  expect((await server.get('/me')).body.name).toBe('anonymous');
});

test('a change with an old tag is refused, and one with the tag of now is made', async () => {
  const { headers } = await put('kai', { role: 'Design' });
  const tag = headers.get('etag') as string;
  await put('kai', { role: 'Design and more' });
  const { status, body } = await put('kai', { role: 'Overwritten' }, { 'if-match': tag });
  expect([status, body.code]).toEqual([412, 'precondition_failed']);
  expect((await put('kai', { role: 'Lead' }, { 'if-match': body.etag })).body.agent.role).toBe('Lead');
  const now = await server.get('/agents/kai');
  expect(now.body.agent.role).toBe('Lead');
});

test('an alias that means somebody else is a conflict that names the holder', async () => {
  const { status, body } = await put('nova', { aliases: ['SCOUT'] });
  expect([status, body.code, body.alias, body.holder]).toEqual([409, 'alias_taken', 'SCOUT', 'link']);
  expect((await server.get('/agents/nova')).status).toBe(404);
});

test('the same is there for a program on a WebSocket, and streams tell it', async () => {
  await using hub = await openSocket(`${server.url}/ws?agent=iris`);
  hub.send({ type: 'subscribe', sid: 'a', filter: { topics: ['agents'] } });
  await hub.next(({ type }) => type === 'sync');
  hub.send({ type: 'call', id: 1, op: 'agents.register', input: { name: 'iris', kind: 'human' } });
  expect(await hub.next(({ type }) => type === 'result')).toMatchObject({
    ok: true,
    result: { agent: { name: 'iris' } },
  });
  expect((await hub.next(({ type }) => type === 'events')).events).toMatchObject([
    { type: 'agent_registered', actor: 'iris', subject: 'iris', data: { name: 'iris', changes: { kind: 'human' } } },
  ]);
  hub.send({ type: 'call', id: 2, op: 'agents.me', input: {} });
  expect((await hub.next(({ id }) => id === 2)).result).toMatchObject({ name: 'iris', kind: 'human' });
});

test('a direct message by alias and by name is in one conversation', async () => {
  const [byName, byAlias] = [
    await server.post('kai', 'a', { to: 'link' }),
    await server.post('kai', 'b', { to: 'scout' }),
  ];
  expect([byName.channel, byAlias.channel]).toEqual(['dm:kai:link', 'dm:kai:link']);
  const { messages } = (await server.get('/chat/messages?channel=dm:kai:link&agent=link')).body;
  expect(messages.map(({ id }: { id: string }) => id)).toEqual([byName.id, byAlias.id]);
});
