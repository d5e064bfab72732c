import { expect, test } from 'vitest';
import { given } from '../../../tests/support/given.ts';
import { channels } from '../channels/index.ts';
import { inbox } from '../inbox/index.ts';
import { messages } from '../messages/index.ts';
import { agents } from './index.ts';

const table = [agents, channels, inbox, messages];
const created = (actor: string, channel: string, at?: number) => ({
  type: 'channel_created',
  subject: channel,
  actor,
  data: { channel, name: channel },
  ...(at !== undefined && { at }),
});

test('an agent exists from its first act, whatever that was', () => {
  const scene = given(table, created('link', 'a', 5), created('kai', 'b', 7), created('link', 'c', 9));

  expect(scene.all('agents')).toEqual([
    { name: 'link', firstSeen: 5 },
    { name: 'kai', firstSeen: 7 },
  ]);
});

test('who did not say its name, and the server itself, are no agents', () => {
  expect(given(table, created('anonymous', 'a'), created('system', 'b')).all('agents')).toEqual([]);
});

test('the author of an imported message was first seen when it was written, not when it was imported', () => {
  const message = { id: 'm', from: 'link', content: 'hi', timestamp: 77, channel: 'general', reactions: {} };
  const scene = given(table, { type: 'message_posted', actor: 'link', data: message });

  expect(scene.entity('agents', 'link')).toEqual({ name: 'link', firstSeen: 77 });
});

test('the list is in the order of appearance, as long as asked, and counts everybody', async () => {
  const scene = given(table, created('c', 'a'), created('a', 'b'), created('b', 'c'));

  const { agents: listed, count } = await scene.asks('agents.list', { limit: 2, fields: 'name' });

  expect(listed).toEqual([{ name: 'c' }, { name: 'a' }]);
  expect(count).toBe(3);
});
