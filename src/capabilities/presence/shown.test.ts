import { describe, expect, test } from 'vitest';
import { given, type Scene } from '../../../tests/support/given.ts';
import { agents } from '../agents/index.ts';
import { channels } from '../channels/index.ts';
import { tasks } from '../tasks/index.ts';
import { presence } from './index.ts';

const nobody = given([agents, channels, tasks, presence]);

describe('what is shown', () => {
  test('has the last sign of life, streams and waiting requests, though none of these is written down', async () => {
    const scene = nobody.when('channels.create', { id: 'c', name: 'C' }, 'link').after.whenDue().after;
    const events = scene.events.length;
    const seen: Scene = scene.sees('link', 'opened', 'opened', 'waits').later(5_000);
    const now = seen.when('presence.heartbeat', { agent: 'link' }).after;
    expect(now.events).toHaveLength(events);
    const { lastUpdate } = scene.entity('presences', 'link');
    expect((await now.asks('presence.get', { agent: 'link' })).presence).toMatchObject({
      status: 'waiting',
      lastUpdate: expect.any(Number),
      connections: 2,
      waiting: 1,
    });
    expect((await now.asks('presence.get', { agent: 'link' })).presence.lastUpdate).toBeGreaterThanOrEqual(
      lastUpdate + 5_000,
    );
  });

  test('is by name, of one status where asked, page by page', async () => {
    const here = ['cyd', 'ada', 'bob'].reduce((scene, agent) => scene.sees(agent, 'opened'), nobody).whenDue().after;
    const scene = here.when('presence.declare', { agent: 'bob', status: 'working' }).after;
    const names = async (input: object) => {
      const { presences, ...rest } = await scene.asks('presence.list', input as Record<string, unknown>);
      return { names: presences.map(({ agent }: { agent: string }) => agent), ...rest };
    };
    expect(await names({})).toEqual({ names: ['ada', 'bob', 'cyd'] });
    expect(await names({ status: 'idle' })).toEqual({ names: ['ada', 'cyd'] });
    expect(await names({ limit: 2 })).toEqual({ names: ['ada', 'bob'], more: true, cursor: 'bob' });
    expect(await names({ limit: 2, cursor: 'bob' })).toEqual({ names: ['cyd'] });
  });
});
