import { describe, expect, test } from 'vitest';
import { given, T0 } from '../../../tests/support/given.ts';
import { agents } from '../agents/index.ts';
import { channels } from './index.ts';
import { DEFAULT_CHANNELS, DEFAULT_SUBSCRIPTIONS, dmChannel, dmEnds, mayRead } from './state.ts';

const table = [agents, channels];
const created = {
  type: 'channel_created',
  subject: 'ops',
  actor: 'link',
  data: { channel: 'ops', name: 'Operations' },
};
const archived = { type: 'channel_updated', subject: 'ops', data: { channel: 'ops', archived: true } };
const posted = (channel: string, from: string, timestamp: number) => ({
  type: 'message_posted',
  actor: from,
  data: { id: `m${timestamp}`, channel, from, timestamp },
});

describe('creating', () => {
  test('a new channel is created with its name, or with its id for one', () => {
    given(table)
      .when('channels.create', { id: 'ops', name: 'Operations', from: 'link' })
      .then({ type: 'channel_created', subject: 'ops', data: { channel: 'ops', name: 'Operations' } });
    given(table)
      .when('channels.create', { id: 'ops' })
      .then({ type: 'channel_created', subject: 'ops', data: { channel: 'ops', name: 'ops' } });
  });

  test('it belongs to who created it, and the answer shows it', () => {
    expect(given(table).when('channels.create', { id: 'ops', from: 'link' }).answer.room).toEqual({
      id: 'ops',
      name: 'ops',
      participants: [],
      createdAt: T0,
      createdBy: 'link',
      count: 0,
      lastActivity: 0,
    });
  });

  test('one that exists is renamed, and nothing happens where nothing changes', () => {
    given(table, created)
      .when('channels.create', { id: 'ops', name: 'Ops' })
      .then({ type: 'channel_updated', subject: 'ops', data: { channel: 'ops', name: 'Ops' } });
    given(table, created).when('channels.create', { id: 'ops', name: 'Operations' }).thenNothing();
    given(table, created).when('channels.create', { id: 'ops' }).thenNothing();
  });

  test.each(['', '-a', 'a b', 'dm:a:b', 'a/b', 'ä', 'a'.repeat(65)])('%j is no name of a channel', (id) => {
    given(table).when('channels.create', { id }).thenRefused('invalid_input', 'id and name are required');
  });
});

describe('archiving', () => {
  test('a channel is archived once and opened once', () => {
    const scene = given(table, created).when('channels.archive', { channel: 'ops' }).then(archived);
    scene.when('channels.archive', { channel: 'ops' }).thenNothing();
    const open = scene
      .when('channels.unarchive', { channel: 'ops' })
      .then({ type: 'channel_updated', subject: 'ops', data: { channel: 'ops', archived: false } });
    open.when('channels.unarchive', { channel: 'ops' }).thenNothing();
  });

  test.each(DEFAULT_CHANNELS)('%s, which is always there, cannot be archived', (channel) => {
    given(table).when('channels.archive', { channel }).thenRefused('channel_protected');
  });

  test('a channel that is not there cannot be archived', () => {
    given(table).when('channels.archive', { channel: 'ops' }).thenRefused('channel_not_found', 'Channel not found');
  });
});

describe('listing', () => {
  test('the five defaults are there before anybody spoke', async () => {
    const { channels: listed } = await given(table).asks('channels.list', {});
    expect(listed).toEqual(DEFAULT_CHANNELS.map((channel) => ({ channel, count: 0, lastActivity: 0 })));
  });

  test('newest activity is first; counts are of living messages', async () => {
    const scene = given(table, posted('dev', 'link', 10), posted('ops', 'kai', 30), posted('dev', 'kai', 20), {
      type: 'message_deleted',
      actor: 'link',
      data: { id: 'm10', channel: 'dev', from: 'link' },
    });
    const { channels: listed } = await scene.asks('channels.list', { limit: 2 });
    expect(listed).toEqual([
      { channel: 'ops', count: 1, lastActivity: 30 },
      { channel: 'dev', count: 1, lastActivity: 20 },
    ]);
  });

  test('an old message that comes late does not make a channel look older', () => {
    const scene = given(table, posted('dev', 'link', 20), posted('dev', 'kai', 10));
    expect(scene.entity('channels', 'dev')).toMatchObject({ lastActivity: 20, participants: ['link', 'kai'] });
  });

  test('direct messages are listed to their two ends, and are never rooms', async () => {
    const scene = given(table, posted('dm:kai:link', 'link', 10));
    const names = async (agent?: string) =>
      (await scene.asks('channels.list', {}, agent)).channels.map(({ channel }: { channel: string }) => channel);
    expect(await names('kai')).toContain('dm:kai:link');
    expect(await names('pixel')).not.toContain('dm:kai:link');
    expect(await names()).not.toContain('dm:kai:link');
    expect((await scene.asks('channels.rooms', {}, 'kai')).rooms).toHaveLength(5);
  });

  test('a compact room leaves out who has posted in it', async () => {
    const { rooms } = await given(table, created, posted('ops', 'kai', T0)).asks('channels.rooms', { compact: '1' });
    expect(rooms[0]).toMatchObject({ id: 'ops', name: 'Operations', count: 1, lastActivity: T0 });
    for (const room of rooms) expect(room).not.toHaveProperty('participants');
  });

  test('an imported channel is as old as its first message', () => {
    const scene = given(table, { ...created, data: { ...created.data, createdAt: 42 } });
    expect(scene.entity('channels', 'ops').createdAt).toBe(42);
  });
});

describe('direct messages', () => {
  test('two agents have one channel, whoever begins', () => {
    expect(dmChannel('link', 'kai')).toBe('dm:kai:link');
    expect(dmChannel('kai', 'link')).toBe('dm:kai:link');
    expect(dmEnds('dm:kai:link')).toEqual(['kai', 'link']);
    expect(dmEnds('general')).toBeUndefined();
  });

  test('only the two ends may read it', () => {
    expect(mayRead('dm:kai:link', 'kai')).toBe(true);
    expect(mayRead('dm:kai:link', 'ka')).toBe(false);
    expect(mayRead('dm:kai:link', undefined)).toBe(false);
    expect(mayRead('general', undefined)).toBe(true);
  });
});

test('an inbox follows four of the five defaults: all but dev', () => {
  expect([...DEFAULT_SUBSCRIPTIONS].sort()).toEqual(DEFAULT_CHANNELS.filter((id) => id !== 'dev').sort());
});
