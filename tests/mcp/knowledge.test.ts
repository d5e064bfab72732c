import { expect, test } from 'vitest';
import { ERAS, mcpClient } from '../support/mcp.ts';
import { testNode } from '../support/node.ts';

test.each(ERAS)('what one agent remembers, another recalls, over %s', async (era) => {
  await using node = await testNode();
  await using kai = await mcpClient(node.url, { era, agent: 'kai' });
  await using link = await mcpClient(node.url, { era, agent: 'link' });
  const written = await kai.call('remember', {
    content: 'The staging server is called otter.',
    key: 'staging',
    tags: ['infra'],
  });
  expect(written.structured).toMatchObject({ success: true, action: 'created', key: 'staging', version: 1 });
  expect(JSON.stringify(written)).not.toContain('otter');
  const { id } = written.structured;
  const again = await link.call('remember', { content: 'The staging server is called heron.', key: 'staging' });
  expect(again.structured).toMatchObject({ id, action: 'updated', version: 2 });
  expect((await kai.call('recall', { key: 'staging' })).text).toContain('heron');
  expect((await kai.call('recall', { id })).structured.memory).toMatchObject({ id, version: 2 });
  await expect
    .poll(async () => (await link.call('recall', { q: 'staging server' })).text, { timeout: 15_000 })
    .toContain('heron');
  expect((await link.call('recall', { tags: 'infra', by: 'kai' })).structured.memories).toMatchObject([{ id }]);
  expect((await link.call('recall', { by: 'nobody' })).text).toContain('nothing is known');
});

test('what an agent remembers for itself is shown to nobody else', async () => {
  await using node = await testNode();
  await using kai = await mcpClient(node.url, { agent: 'kai' });
  const { structured } = await kai.call('remember', { content: 'my own thought', scope: 'agent' });
  await using link = await mcpClient(node.url, { agent: 'link' });
  await using nobody = await mcpClient(node.url);
  for (const mcp of [link, nobody])
    for (const [name, input] of [
      ['recall', {}],
      ['recall', { id: structured.id }],
      ['recall', { scope: 'agent' }],
      ['recall', { scope: 'agent', by: 'kai' }],
      ['recall', { q: 'own thought' }],
      ['search', { q: 'own thought' }],
      ['call_tool', { name: 'memories.list', input: { agent: 'kai' } }],
    ] as const)
      expect(JSON.stringify(await mcp.call(name, input))).not.toContain('my own thought');
  expect((await kai.call('recall', { scope: 'agent' })).text).toContain('my own thought');
});

test.each(ERAS)('search finds messages, tasks and memories, over %s', async (era) => {
  await using node = await testNode();
  await using mcp = await mcpClient(node.url, { era, agent: 'kai' });
  await mcp.call('post_message', { content: 'the walrus build is broken' });
  await mcp.call('create_task', { title: 'Mend the walrus build' });
  await mcp.call('remember', { content: 'walrus means the nightly build' });
  await expect
    .poll(
      async () => {
        const { structured } = await mcp.call('search', { q: 'walrus' });
        return structured.results.map(({ kind }: { kind: string }) => kind).sort();
      },
      { timeout: 15_000 },
    )
    .toEqual(['memory', 'messages', 'tasks']);
  const { text, structured } = await mcp.call('search', { q: 'walrus', in: 'tasks', limit: 1 });
  expect(structured.results).toHaveLength(1);
  expect(text).toContain('walrus build');
  expect((await mcp.call('search', { q: 'nothingatall' })).text).toContain('nothing found');
  const small = await mcp.call('search', { q: 'walrus', max_tokens: 120 });
  expect(small.structured.results.length).toBeLessThan(3);
});
