import { expect, test } from 'vitest';
import { ERAS, type McpClient, mcpClient } from '../support/mcp.ts';
import { type Answer, type TestNode, testNode } from '../support/node.ts';

const ACCEPT = { accept: 'application/json, text/event-stream' };

/** One frame to /mcp, in a session or without. */
function send(node: TestNode, frame: object, headers: Record<string, string> = {}): Promise<Answer> {
  return node.send('POST', '/mcp', { jsonrpc: '2.0', id: 1, ...frame }, { ...ACCEPT, ...headers });
}

async function begin(node: TestNode, headers: Record<string, string> = {}): Promise<string> {
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'tests', version: '1.0.0' } };
  const { headers: answered } = await send(node, { method: 'initialize', params }, headers);
  return answered.get('mcp-session-id') as string;
}

const list = { method: 'tools/list', params: {} };
const post = { method: 'tools/call', params: { name: 'post_message', arguments: { agent: 'kai', content: 'x' } } };

test('twenty clients of both revisions work at once, and one that leaves takes nothing from the others', async () => {
  await using node = await testNode();
  const clients: McpClient[] = await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      mcpClient(node.url, { era: ERAS[i % 2] as (typeof ERAS)[number], agent: `agent-${i}` }),
    ),
  );
  const waiting = clients.map((mcp) => mcp.call('wait_for'));
  for (let i = 0; i < 20; i++)
    await expect.poll(() => node.node.kernel.sightings.of(`agent-${i}`).waiting, { timeout: 10_000 }).toBe(1);
  // Two leave while they wait, the others go on.
  const gone = waiting.slice(0, 2).map((each) => each.catch(() => 'gone'));
  for (const mcp of clients.slice(0, 2)) await mcp.client.close();
  await Promise.all(
    clients.slice(2).map(async (mcp, i) => {
      for (let n = 0; n < 10; n++) {
        const { isError } = await mcp.call('post_message', { content: `${n}`, channel: `work-${i}` });
        expect(isError).toBeUndefined();
      }
    }),
  );
  await node.post('boss', Array.from({ length: 20 }, (_, i) => `@agent-${i}`).join(' '));
  for (const answer of await Promise.all(waiting.slice(2)))
    expect(answer.structured.items).toMatchObject([{ from: 'boss', reason: 'mention' }]);
  await Promise.all(gone);
  const { body } = await node.get('/chat/messages?limit=1000');
  expect(body.messages).toHaveLength(18 * 10 + 1);
  for (const mcp of clients.slice(2)) await mcp.client.close();
});

test('a session that nobody uses is over, and its client is told', async () => {
  await using node = await testNode({ mcp: { sessions: { idleMs: 200 } } });
  const id = await begin(node);
  const session = { 'mcp-session-id': id };
  expect((await send(node, list, session)).status).toBe(200);
  await expect
    .poll(async () => (await send(node, { ...list, method: 'ping' }, session)).status, {
      interval: 600,
      timeout: 10_000,
    })
    .toBe(404);
  expect(await send(node, post, session)).toMatchObject({
    status: 404,
    body: { error: { message: 'Session not found' } },
  });
  expect((await node.get('/chat/messages')).body.messages).toEqual([]);
});

test('a session whose stream is open lasts', async () => {
  await using node = await testNode({ mcp: { sessions: { idleMs: 100 } } });
  const session = { 'mcp-session-id': await begin(node) };
  const abort = new AbortController();
  const stream = await fetch(`${node.url}/mcp`, {
    headers: { accept: 'text/event-stream', ...session },
    signal: abort.signal,
  });
  expect(stream.status).toBe(200);
  expect((await node.get('/events/status')).body.connections.mcp).toBe(1);
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect((await send(node, list, session)).status).toBe(200);
  abort.abort();
  await expect.poll(async () => (await node.get('/events/status')).body.connections.mcp).toBe(0);
});

test('sessions are bounded: the one that is idle for longest makes room, one in use does not', async () => {
  await using node = await testNode({ mcp: { sessions: { most: 2 } } });
  const first = await begin(node);
  const second = await begin(node);
  await send(node, list, { 'mcp-session-id': first });
  const third = await begin(node);
  expect((await send(node, list, { 'mcp-session-id': second })).status).toBe(404);
  expect((await send(node, list, { 'mcp-session-id': first })).status).toBe(200);
  const abort = new AbortController();
  for (const id of [first, third])
    await fetch(`${node.url}/mcp`, {
      headers: { accept: 'text/event-stream', 'mcp-session-id': id },
      signal: abort.signal,
    });
  const refused = await send(node, {
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'tests', version: '1.0.0' } },
  });
  expect(refused).toMatchObject({ status: 503, body: { error: { data: { code: 'overloaded' } } } });
  expect(refused.headers.get('retry-after')).toBe('5');
  abort.abort();
});

test('a client ends its session, and no other', async () => {
  await using node = await testNode();
  const [one, other] = [await begin(node), await begin(node)];
  const ended = await node.send('DELETE', '/mcp', undefined, { 'mcp-session-id': one as string });
  expect(ended.status).toBe(200);
  expect((await send(node, list, { 'mcp-session-id': one as string })).status).toBe(404);
  expect((await send(node, list, { 'mcp-session-id': other as string })).status).toBe(200);
});

test('a session is its agent’s: another name in it is refused', async () => {
  await using node = await testNode();
  const id = await begin(node, { 'x-agent': 'kai' });
  const named = { method: 'tools/call', params: { name: 'post_message', arguments: { content: 'mine' } } };
  expect((await send(node, named, { 'mcp-session-id': id })).status).toBe(200);
  const refused = await send(node, named, { 'mcp-session-id': id, 'x-agent': 'pixel' });
  expect(refused).toMatchObject({ status: 403, body: { error: { data: { code: 'actor_mismatch' } } } });
  expect((await node.get('/chat/messages')).body.messages).toMatchObject([{ from: 'kai' }]);
});

test('streams are bounded with all others', async () => {
  await using node = await testNode({ env: { MAX_STREAMS: '1' } });
  const session = { 'mcp-session-id': await begin(node), accept: 'text/event-stream' };
  const abort = new AbortController();
  await fetch(`${node.url}/mcp`, { headers: session, signal: abort.signal });
  const other = { 'mcp-session-id': await begin(node), accept: 'text/event-stream' };
  const refused = await node.get('/mcp', other);
  expect(refused).toMatchObject({ status: 503, body: { error: { data: { code: 'overloaded' } } } });
  abort.abort();
});
