import { describe, expect, test } from 'vitest';
import { ERAS, mcpClient } from '../support/mcp.ts';
import { testNode } from '../support/node.ts';

const NAMES = [
  'post_message',
  'read_messages',
  'inbox',
  'catch_up',
  'wait_for',
  'search',
  'remember',
  'recall',
  'create_task',
  'next_task',
  'update_task',
  'get_tasks',
  'reserve_files',
  'who',
  'react',
  'call_tool',
];

describe.each(ERAS)('the tools over %s', (era) => {
  test('are few, in their order, described, and small together', async () => {
    await using node = await testNode();
    await using mcp = await mcpClient(node.url, { era });
    const { tools } = await mcp.client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(NAMES);
    expect(Buffer.byteLength(JSON.stringify(tools))).toBeLessThanOrEqual(16 * 1024);
    for (const { description, annotations } of tools) {
      expect(description?.length).toBeGreaterThan(40);
      expect(annotations).toMatchObject({ readOnlyHint: expect.any(Boolean), openWorldHint: false });
    }
    const hints = Object.fromEntries(tools.map(({ name, annotations }) => [name, annotations]));
    expect(hints.search).toEqual({ readOnlyHint: true, openWorldHint: false });
    expect(hints.inbox).toMatchObject({ readOnlyHint: false, destructiveHint: false, idempotentHint: true });
    expect(hints.call_tool).toMatchObject({ destructiveHint: true, readOnlyHint: false });
    expect(hints.post_message).toEqual({ readOnlyHint: false, destructiveHint: false, openWorldHint: false });
  });

  test('post and read: a receipt says no word of what was sent', async () => {
    await using node = await testNode();
    await using mcp = await mcpClient(node.url, { era });
    const posted = await mcp.call('post_message', { agent: 'kai', content: 'the build is green, @pixel' });
    expect(posted.isError).toBeUndefined();
    expect(posted.structured).toMatchObject({ success: true, channel: 'general', mentions: ['pixel'] });
    expect(JSON.stringify(posted)).not.toContain('build is green');
    expect(posted.text.split('\n').at(-1)).toMatch(/^cursor: \S+-\d+ · unread: \d+ · mentions: \d+$/);
    const read = await mcp.call('read_messages', { channel: 'general' });
    expect(read.structured.messages).toMatchObject([{ from: 'kai', content: 'the build is green, @pixel' }]);
    expect(read.text).toContain('the build is green');
    const inbox = await mcp.call('inbox', { agent: 'pixel' });
    expect(inbox.structured.messages).toMatchObject([{ id: posted.structured.id, reason: 'mention' }]);
  });
});
