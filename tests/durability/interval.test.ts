import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { quietNode } from '../support/node.ts';

test('DURABILITY=interval is said in /health', async () => {
  await using server = await quietNode({ env: { DURABILITY: 'interval:250' } });
  const { journal } = (await server.get('/health')).body;
  expect(journal.durability).toBe('interval:250 (a power cut may take the last 250 ms)');
});

test('the index, whose every write is a sync of the journal, waits as long as the journal does, or until it is read', async () => {
  await using server = await quietNode({ env: { DURABILITY: 'interval:60000' } });
  const applied = async () => (await server.get('/health')).body.index.applied;
  const { seq } = await server.post('link', 'hello');
  await delay(200);
  expect(await applied()).toBe(0);
  expect((await server.get('/chat/messages')).body.messages).toHaveLength(1);
  expect(await applied()).toBe(seq);
});
