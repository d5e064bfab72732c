import { expect, test } from 'vitest';
import { surface } from '../../src/mcp/index.ts';
import { ToolCaller } from '../../src/transports/mcp/call.ts';
import { ERAS, type Era, mcpClient } from '../support/mcp.ts';
import { type TestNode, testNode } from '../support/node.ts';

/** Until an agent really waits. */
async function waits({ node }: TestNode, agent: string, count = 1): Promise<void> {
  await expect.poll(() => node.kernel.sightings.of(agent).waiting, { timeout: 10_000 }).toBe(count);
}

test.each(ERAS)('wait_for answers as soon as something comes, and at once what came before, over %s', async (era) => {
  await using node = await testNode();
  await using mcp = await mcpClient(node.url, { era, agent: 'link' });
  const { structured } = await mcp.call('catch_up');
  const waiting = mcp.call('wait_for', { cursor: structured.cursor });
  await waits(node, 'link');
  const { id } = await node.post('kai', '@link are you there?');
  const answer = await waiting;
  expect(answer.structured.items).toMatchObject([{ id, from: 'kai', reason: 'mention' }]);
  expect(answer.text).toContain('@link are you there?');
  const again = await mcp.call('wait_for', { cursor: structured.cursor });
  expect(again.structured.items).toMatchObject([{ id }]);
});

test.each(ERAS)(
  'wait_for that nothing comes for answers with a cursor from which nothing is lost, over %s',
  async (era) => {
    await using node = await testNode();
    await using mcp = await mcpClient(node.url, { era, agent: 'link' });
    const { structured } = await mcp.call('wait_for', { timeout: 0 });
    expect(structured.items).toEqual([]);
    const again = await mcp.call('wait_for', { timeout: 0, cursor: structured.cursor });
    expect(again.structured).toMatchObject({ items: [], cursor: structured.cursor });
    await node.post('kai', 'hello', { to: 'link' });
    expect((await mcp.call('wait_for', { cursor: again.structured.cursor })).structured.items).toHaveLength(1);
  },
);

test('wait_for sees public events of a kind, of a task and of a channel', async () => {
  await using node = await testNode();
  await using mcp = await mcpClient(node.url, { agent: 'link' });
  const { body } = await node.send('POST', '/tasks', { title: 'A', createdBy: 'link' });
  const { cursor } = (await mcp.call('catch_up')).structured;
  const waiting = mcp.call('wait_for', { cursor, subjects: [body.task.id], types: ['task_claimed'] });
  await node.post('kai', 'nothing to do with it');
  await node.send('POST', `/tasks/${body.task.id}/claim`, { agent: 'kai' });
  const { structured, text } = await waiting;
  expect(structured.events).toMatchObject([{ type: 'task_claimed', actor: 'kai', subject: body.task.id }]);
  expect(text).toContain('task_claimed by kai');
});

test.each(ERAS)('whoever wants progress gets it while it waits, over %s', async (era) => {
  await using node = await testNode({ mcp: { progressMs: 30 } });
  await using mcp = await mcpClient(node.url, { era, agent: 'link' });
  const told: number[] = [];
  const waiting = mcp.client.callTool(
    { name: 'wait_for', arguments: { timeout: 300 } },
    { onprogress: ({ progress }) => told.push(progress), timeout: 20_000, resetTimeoutOnProgress: true },
  );
  await expect.poll(() => told.length, { timeout: 10_000 }).toBeGreaterThan(2);
  await node.post('kai', 'now', { to: 'link' });
  expect((await waiting).structuredContent).toMatchObject({ items: [{ from: 'kai' }] });
  expect(told).toEqual(told.map((_, i) => i + 1));
});

test.each(ERAS)('nobody waits for a client that has given up, over %s', async (era) => {
  await using node = await testNode();
  await using mcp = await mcpClient(node.url, { era, agent: 'link' });
  const abort = new AbortController();
  const waiting = mcp.client
    .callTool({ name: 'wait_for', arguments: {} }, { signal: abort.signal })
    .catch((error: unknown) => error);
  await waits(node, 'link');
  abort.abort();
  expect(await waiting).toBeInstanceOf(Error);
  await waits(node, 'link', 0);
});

test.each(ERAS)('a server that closes answers those who wait, over %s', async (era: Era) => {
  const node = await testNode();
  const mcp = await mcpClient(node.url, { era, agent: 'link' });
  const waiting = mcp.call('wait_for').then(
    () => 'answered',
    () => 'ended',
  );
  await waits(node, 'link');
  const began = performance.now();
  await node[Symbol.asyncDispose]();
  expect(await waiting).toMatch(/answered|ended/);
  expect(performance.now() - began).toBeLessThan(5_000);
  await mcp.client.close().catch(() => {});
});

test('a call waits no longer than its client would, whatever it asks for, wherever it may wait', async () => {
  await using node = await testNode();
  const caller = new ToolCaller(node.node.kernel, surface(''), (error) => {
    throw error;
  });
  const began = performance.now();
  for (const [name, input] of [
    ['wait_for', { timeout: 600 }],
    ['wait_for', { timeout: 600, types: ['task_claimed'] }],
    ['inbox', { wait: 600 }],
    ['next_task', { wait: 600 }],
    ['call_tool', { name: 'inbox.wait', input: { timeout: 600 } }],
    ['inbox', { wait: '600' }],
    ['call_tool', { name: 'inbox.wait', input: { wait: '600' } }],
    ['call_tool', { name: 'events.list', input: { wait: 600, types: 'task_claimed' } }],
  ] as const) {
    const { isError, content } = await caller.call(name, { ...input }, { agent: 'kai', maxWait: 0 });
    expect({ name, isError, content }).toMatchObject({ name, isError: undefined });
  }
  expect(performance.now() - began).toBeLessThan(15_000);
});
