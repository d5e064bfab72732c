import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../support/directory.ts';
import { ERAS, type Era } from '../support/mcp.ts';
import { testNode } from '../support/node.ts';
import { ROOT } from '../support/source.ts';

const PROGRAM = ['--import', 'tsx', 'src/cli/mcp/main.ts'];

/** A client whose host starts the bridge as a program. */
async function bridged(url: string, era: Era, agent = 'kai') {
  const client = new Client(
    { name: 'tests', version: '1.0.0' },
    { versionNegotiation: { mode: era === '2026-07-28' ? { pin: era } : 'legacy' } },
  );
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [...PROGRAM, '--url', url, '--agent', agent],
    cwd: ROOT,
    stderr: 'ignore',
  });
  await client.connect(transport as never);
  return {
    client,
    async call(name: string, input: Record<string, unknown> = {}) {
      const { structuredContent } = await client.callTool({ name, arguments: input });
      // biome-ignore lint/suspicious/noExplicitAny: answers of every shape
      return structuredContent as any;
    },
    [Symbol.asyncDispose]: () => client.close(),
  };
}

test.each(ERAS)('a host that starts a program has the same tools, over %s', async (era) => {
  await using node = await testNode();
  await using mcp = await bridged(node.url, era);
  expect((await mcp.client.listTools()).tools).toHaveLength(16);
  expect(await mcp.call('post_message', { content: 'über die Brücke' })).toMatchObject({ success: true });
  expect((await node.get('/chat/messages')).body.messages).toMatchObject([{ from: 'kai', content: 'über die Brücke' }]);
  const { contents } = await mcp.client.readResource({ uri: 'channel://general' });
  expect(JSON.stringify(contents)).toContain('über die Brücke');
  await expect(mcp.client.readResource({ uri: 'task://ü' })).rejects.toThrow(/no task/);
});

test.each(ERAS)('what changes is told, and what is given up is not waited for, over %s', async (era) => {
  await using node = await testNode();
  await using mcp = await bridged(node.url, era);
  const told: string[] = [];
  mcp.client.setNotificationHandler('notifications/resources/updated', ({ params }) => {
    told.push(params.uri);
  });
  if (era === '2026-07-28') await mcp.client.listen({ resourceSubscriptions: ['channel://general'] });
  else await mcp.client.subscribeResource({ uri: 'channel://general' });
  await expect.poll(async () => (await node.get('/events/status')).body.connections.mcp, { timeout: 10_000 }).toBe(1);
  await node.post('link', 'hello');
  await expect.poll(() => told, { timeout: 10_000 }).toEqual(['channel://general']);
  const abort = new AbortController();
  const waiting = mcp.client
    .callTool({ name: 'wait_for', arguments: {} }, { signal: abort.signal })
    .catch((error: unknown) => error);
  const waits = () => node.node.kernel.sightings.of('kai').waiting;
  await expect.poll(waits, { timeout: 10_000 }).toBe(1);
  abort.abort();
  expect(await waiting).toBeInstanceOf(Error);
  await expect.poll(waits, { timeout: 10_000 }).toBe(0);
});

test.each(ERAS)('a server that was started anew is gone on with, over %s', async (era) => {
  using dir = temporaryDirectory();
  const first = await testNode({ dir: dir.path });
  const { url, port } = first;
  await using mcp = await bridged(url, era);
  expect(await mcp.call('post_message', { content: 'before' })).toMatchObject({ success: true });
  const told: string[] = [];
  mcp.client.setNotificationHandler('notifications/resources/updated', ({ params }) => {
    told.push(params.uri);
  });
  if (era === '2025-11-25') await mcp.client.subscribeResource({ uri: 'channel://general' });
  await first[Symbol.asyncDispose]();
  await expect(mcp.call('post_message', { content: 'nobody hears it' })).rejects.toThrow(/is it running/);
  await using again = await testNode({ dir: dir.path, env: { PORT: String(port) } });
  expect(await mcp.call('post_message', { content: 'after' })).toMatchObject({ success: true });
  const { body } = await again.get('/chat/messages');
  expect(body.messages.map(({ content }: { content: string }) => content)).toEqual(['before', 'after']);
  if (era !== '2025-11-25') return;
  // What was watched is watched again.
  await expect.poll(async () => (await again.get('/events/status')).body.connections.mcp, { timeout: 15_000 }).toBe(1);
  await again.post('link', 'seen');
  await expect.poll(() => told.length, { timeout: 10_000 }).toBeGreaterThan(0);
});

test('nothing but frames is written, a frame that is none is said to be, and the end of input ends it', async () => {
  await using node = await testNode();
  const child = spawn(process.execPath, [...PROGRAM, '--url', node.url], {
    cwd: ROOT,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  child.stdin.write('nonsense\n\n{"jsonrpc":"2.0","id":7,"method":"tools/list"}\n{"jsonrpc":"2.0","id":8}\n');
  child.stdin.end();
  const [status] = await once(child, 'close');
  expect(status).toBe(0);
  const frames = lines.map((line) => JSON.parse(line));
  expect(frames).toContainEqual({ jsonrpc: '2.0', id: null, error: { code: -32700, message: expect.any(String) } });
  expect(frames.find(({ id }) => id === 7).result.tools).toHaveLength(16);
});

test('an address that is none is refused in words', async () => {
  const child = spawn(process.execPath, [...PROGRAM, '--url', 'nowhere'], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (text: Buffer) => (said += text.toString()));
  const [status] = await once(child, 'close');
  expect(status).toBe(1);
  expect(said).toContain('an address such as');
});
