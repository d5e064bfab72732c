import type { Client } from '@modelcontextprotocol/client';
import { describe, expect, test } from 'vitest';
import { ERAS, type Era, mcpClient } from '../support/mcp.ts';
import { testNode } from '../support/node.ts';

/** Watches resources as the revision has it, and notes what is told. */
async function watch(client: Client, era: Era, uris: string[]): Promise<string[]> {
  const told: string[] = [];
  client.setNotificationHandler('notifications/resources/updated', ({ params }) => {
    told.push(params.uri);
  });
  if (era === '2026-07-28') await client.listen({ resourceSubscriptions: uris });
  else for (const uri of uris) await client.subscribeResource({ uri });
  return told;
}

async function read(client: Client, uri: string) {
  const { contents } = await client.readResource({ uri });
  return JSON.parse((contents[0] as { text: string }).text);
}

describe.each(ERAS)('resources over %s', (era) => {
  test('are listed and read', async () => {
    await using node = await testNode();
    const { id } = await node.post('kai', 'a thread begins');
    await node.post('link', 'and goes on, @pixel', { threadId: id });
    const { body } = await node.send('POST', '/tasks', { title: 'A', createdBy: 'kai' });
    await using mcp = await mcpClient(node.url, { era });
    const { resources } = await mcp.client.listResources();
    expect(resources.map(({ uri }) => uri)).toEqual(['board://']);
    const { resourceTemplates } = await mcp.client.listResourceTemplates();
    expect(resourceTemplates.map(({ uriTemplate }) => uriTemplate)).toEqual([
      'inbox://{agent}',
      'task://{id}',
      'thread://{id}',
      'channel://{name}',
    ]);
    expect((await read(mcp.client, `thread://${id}`)).messages).toHaveLength(2);
    expect((await read(mcp.client, 'channel://general')).messages).toHaveLength(2);
    expect((await read(mcp.client, 'inbox://pixel')).messages).toMatchObject([
      { reason: 'mention' },
      { reason: 'general' },
    ]);
    expect((await read(mcp.client, `task://${body.task.id}`)).task.title).toBe('A');
    expect(JSON.stringify(await read(mcp.client, 'board://'))).toContain(body.task.id);
    // To look is not to read.
    expect((await node.get('/inbox/pixel/unread')).body.count).toBe(2);
  });

  test('that are not there, or not for the caller, are refused', async () => {
    await using node = await testNode();
    const { id } = await node.post('kai', 'secret', { to: 'link' });
    await using pixel = await mcpClient(node.url, { era, agent: 'pixel' });
    for (const uri of [
      'task://task-1-none',
      'thread://msg-1-none',
      'nonsense://x',
      'inbox://',
      'task://%E0%A4%A',
      'board://x',
    ])
      await expect(pixel.client.readResource({ uri }), uri).rejects.toThrow();
    for (const uri of [`thread://${id}`, 'channel://dm:kai:link', 'inbox://link'])
      await expect(pixel.client.readResource({ uri }), uri).rejects.toThrow(
        /not_a_party|actor_mismatch|There is no message/,
      );
    await using link = await mcpClient(node.url, { era, agent: 'link' });
    expect((await read(link.client, `thread://${id}`)).messages).toHaveLength(1);
  });

  test('tell of their changes, to those who may know of them', async () => {
    await using node = await testNode();
    const { id } = await node.post('kai', 'a thread begins');
    const secret = await node.post('kai', 'secret', { to: 'link' });
    const { body } = await node.send('POST', '/tasks', { title: 'A', createdBy: 'kai' });
    const uris = [
      'board://',
      'inbox://link',
      `task://${body.task.id}`,
      `thread://${id}`,
      'channel://general',
      `thread://${secret.id}`,
      'channel://dm:kai:link',
    ];
    await using link = await mcpClient(node.url, { era, agent: 'link' });
    await using pixel = await mcpClient(node.url, { era, agent: 'pixel' });
    const tellLink = await watch(link.client, era, uris);
    const tellPixel = await watch(pixel.client, era, uris);
    const both = async (act: () => Promise<unknown>, expected: string[], hidden: string[] = []) => {
      tellLink.length = 0;
      tellPixel.length = 0;
      await act();
      await expect.poll(() => [...new Set(tellLink)].sort()).toEqual([...expected].sort());
      await expect
        .poll(() => [...new Set(tellPixel)].sort())
        .toEqual(expected.filter((uri) => !hidden.includes(uri)).sort());
    };
    await both(
      () => node.post('kai', 'on', { threadId: id }),
      [`thread://${id}`, 'channel://general', 'inbox://link'],
      ['inbox://link'],
    );
    await both(() => node.post('kai', '@link see', { channel: 'dev' }), ['inbox://link'], ['inbox://link']);
    await both(
      () => node.post('kai', 'more', { threadId: secret.id }),
      [`thread://${secret.id}`, 'channel://dm:kai:link', 'inbox://link'],
      [`thread://${secret.id}`, 'channel://dm:kai:link', 'inbox://link'],
    );
    await both(
      () => node.send('PATCH', `/tasks/${body.task.id}`, { priority: 'P0' }),
      [`task://${body.task.id}`, 'board://'],
    );
    await both(
      () => node.send('POST', `/tasks/${body.task.id}/comments`, { author: 'pixel', content: 'a word' }),
      [`task://${body.task.id}`],
    );
  });
});

test('a session tells no more of what it has unsubscribed from', async () => {
  await using node = await testNode();
  await using mcp = await mcpClient(node.url, { era: '2025-11-25' });
  const told = await watch(mcp.client, '2025-11-25', ['channel://general', 'channel://dev']);
  await mcp.client.unsubscribeResource({ uri: 'channel://general' });
  await node.post('kai', 'unseen');
  await node.post('kai', 'seen', { channel: 'dev' });
  await expect.poll(() => told).toEqual(['channel://dev']);
  await expect(mcp.client.subscribeResource({ uri: 'nonsense://x' })).rejects.toThrow();
});

describe.each(ERAS)('prompts over %s', (era) => {
  test('are listed and rendered', async () => {
    await using node = await testNode();
    await using mcp = await mcpClient(node.url, { era });
    const { prompts } = await mcp.client.listPrompts();
    expect(prompts.map(({ name }) => name)).toEqual(['join_team', 'hand_over', 'stand_up']);
    const rendered = await mcp.client.getPrompt({ name: 'join_team', arguments: { agent: 'kai\nX', role: 'builder' } });
    const [{ content }] = rendered.messages as unknown as [{ content: { text: string } }];
    expect(content.text).toContain('You are kai X,');
    expect(content.text).toContain('role: "builder"');
    const handed = await mcp.client.getPrompt({ name: 'hand_over', arguments: { agent: 'kai', task: 'task-1' } });
    expect(JSON.stringify(handed)).toContain('action: \\"release\\"');
    await expect(mcp.client.getPrompt({ name: 'stand_up', arguments: {} })).rejects.toThrow(/needs agent/);
    await expect(mcp.client.getPrompt({ name: 'nonsense' })).rejects.toThrow(/no prompt/);
  });
});
