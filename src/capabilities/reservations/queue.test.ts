import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { MemoryJournal } from '../../../tests/support/memory-journal.ts';
import { MemoryStore } from '../../../tests/support/memory-store.ts';
import type { Json } from '../../../tests/support/node.ts';
import { table } from '../../../tests/support/tasks.ts';
import { Kernel } from '../../kernel/kernel.ts';
import { reservations } from './index.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

/** Lets every batch that was begun become durable, and every answer come. */
async function settled(): Promise<void> {
  for (let i = 0; i < 8; i++) await new Promise((resolve) => setImmediate(resolve));
}

async function open() {
  const journal = new MemoryJournal({ automatic: true });
  let now = 1_000;
  const kernel = await Kernel.open({
    journal,
    store: new MemoryStore(),
    capabilities: [...table.slice(0, -1), reservations, ...table.slice(-1)],
    world: { clock: () => now, random: (n) => 'x'.repeat(n) },
  });
  const told: string[] = [];
  const call = (operation: string, input: object, signal?: AbortSignal): Promise<Json> =>
    kernel.call(operation, { ...input }, { signal }).then(({ value }) => value);
  /** Wants paths; who got them is noted by name, who was refused with the code and the names of those in the way. */
  const reserve = (agent: string, paths: string, more: object = {}, signal?: AbortSignal) =>
    call('reservations.reserve', { agent, paths: paths.split(' '), ...more }, signal).then(
      ({ reservation }) => {
        told.push(agent);
        return reservation;
      },
      ({ code, options }) => {
        const names = (options.extra?.conflicts ?? []).map((each: Json) => each.agent + (each.waiting ? ' waits' : ''));
        told.push(`${agent}: ${[code, ...names].join(', ')}`);
      },
    );
  /** The same for a minute, and only until it waits. */
  const wait = async (agent: string, paths: string, more: object = {}, signal?: AbortSignal) => {
    void reserve(agent, paths, { wait: 60, ...more }, signal);
    await settled();
  };
  const release = async ({ id, agent }: Json) => {
    await call('reservations.release', { id, agent });
    await settled();
  };
  /** Lets time pass, for clocks and for those who wait. */
  const pass = async (seconds: number) => {
    now += seconds * 1_000;
    await vi.advanceTimersByTimeAsync(seconds * 1_000);
    await settled();
  };
  const has = async (agent: string) => (await call('reservations.list', { agent })).reservations as Json[];
  return { kernel, call, reserve, wait, release, pass, has, told };
}

describe('who waits for paths', () => {
  test('gets them when they are released, in the order of coming', async () => {
    const { reserve, wait, release, has, told } = await open();
    const first = await reserve('ann', 'src/**');
    for (const agent of ['bob', 'cyd', 'dan']) await wait(agent, 'src/a.ts');
    expect(told).toEqual(['ann']);
    await release(first);
    expect(told).toEqual(['ann', 'bob']);
    for (const [next, now] of [
      ['bob', 'cyd'],
      ['cyd', 'dan'],
    ] as const) {
      await release((await has(next))[0]);
      expect(told.at(-1)).toBe(now);
    }
    expect(vi.getTimerCount()).toBe(1);
  });

  test('gets them when the reservation expires, and with all the time that was asked for', async () => {
    const { reserve, wait, pass, has, told } = await open();
    await reserve('ann', 'src', { ttl: 30 });
    await wait('bob', 'src', { ttl: 100 });
    await pass(29);
    expect(told).toEqual(['ann']);
    await pass(1);
    expect(told).toEqual(['ann', 'bob']);
    expect(await has('bob')).toMatchObject([{ expiresAt: 1_000 + 130_000, ttl: 100 }]);
  });

  test('gets them when the claim ends that they were reserved with', async () => {
    const { call, reserve, wait, told } = await open();
    const { task } = await call('tasks.create', { title: 'A', createdBy: 'ann' });
    await call('tasks.claim', { id: task.id, agent: 'ann' });
    await reserve('ann', 'src', { task: task.id });
    await wait('bob', 'src');
    await call('tasks.complete', { id: task.id, agent: 'ann' });
    await settled();
    await vi.advanceTimersByTimeAsync(1);
    await settled();
    expect(told).toEqual(['ann', 'bob']);
  });

  test('is refused when the time is over, and told who has them', async () => {
    const { reserve, wait, pass, told } = await open();
    await reserve('ann', 'src');
    await wait('bob', 'src');
    await pass(60);
    expect(told).toEqual(['ann', 'bob: paths_reserved, ann']);
  });

  test('gets nothing once it is gone', async () => {
    const { reserve, wait, release, has, told } = await open();
    const first = await reserve('ann', 'src');
    const gone = new AbortController();
    await wait('bob', 'src', {}, gone.signal);
    gone.abort();
    await release(first);
    expect([told.at(-1), await has('bob')]).toEqual(['bob: shutting_down', []]);
  });

  test('is refused at once where the claim is lost that it wants them for', async () => {
    const { call, reserve, wait, told } = await open();
    const { task } = await call('tasks.create', { title: 'A', createdBy: 'ann' });
    await call('tasks.claim', { id: task.id, agent: 'bob' });
    await reserve('ann', 'src');
    await wait('bob', 'src', { task: task.id });
    await call('tasks.claim', { id: task.id, agent: 'dan', takeover: true });
    await settled();
    expect(told).toEqual(['ann', 'bob: not_the_holder']);
  });
});

describe('the queue', () => {
  test('keeps whoever came later behind those that it overlaps, also where its paths are free', async () => {
    const { reserve, wait, release, told } = await open();
    const first = await reserve('ann', 'src/a.ts');
    await wait('bob', 'src/**');
    await reserve('cyd', 'src/b.ts');
    await wait('dan', 'src/b.ts');
    expect(told).toEqual(['ann', 'cyd: paths_reserved, bob waits']);
    await release(first);
    expect(told.slice(2)).toEqual(['bob']);
  });

  test('lets those pass that overlap nobody ahead', async () => {
    const { reserve, wait, told } = await open();
    await reserve('ann', 'src/a.ts');
    await wait('bob', 'src/**');
    await reserve('cyd', 'docs/**');
    await wait('dan', 'tests/**');
    expect(told).toEqual(['ann', 'cyd', 'dan']);
  });

  test('does not let shared ones pass an exclusive one for ever', async () => {
    const { reserve, wait, release, told } = await open();
    const first = await reserve('ann', 'src', { mode: 'shared' });
    await wait('bob', 'src', { mode: 'exclusive' });
    await wait('cyd', 'src', { mode: 'shared' });
    await reserve('dan', 'src', { mode: 'shared' });
    expect(told).toEqual(['ann', 'dan: paths_reserved, bob waits']);
    await release(first);
    expect(told.at(-1)).toBe('bob');
  });

  test('lets shared ones have it together', async () => {
    const { reserve, wait, release, told } = await open();
    const first = await reserve('ann', 'src');
    for (const agent of ['bob', 'cyd']) await wait(agent, 'src', { mode: 'shared' });
    await release(first);
    expect(told).toEqual(['ann', 'bob', 'cyd']);
  });

  test.each(['its time is over', 'it goes away'])('moves on when one leaves because %s', async (why) => {
    const { reserve, wait, pass, told } = await open();
    await reserve('ann', 'src/a.ts');
    const gone = new AbortController();
    await wait('bob', 'src/**', { wait: 10 }, gone.signal);
    await wait('cyd', 'src/b.ts');
    if (why === 'it goes away') gone.abort();
    else await pass(10);
    await settled();
    expect(told.sort()).toEqual(['ann', expect.stringContaining('bob: '), 'cyd']);
  });

  test('does not hold up the one that somebody ahead waits for', async () => {
    const { reserve, wait, told } = await open();
    await reserve('ann', 'src/a.ts');
    await wait('bob', 'src/**');
    await reserve('ann', 'src/b.ts');
    expect(told).toEqual(['ann', 'ann']);
  });

  test('does not let two wait for each other', async () => {
    const { reserve, wait, release, told } = await open();
    await reserve('ann', 'a');
    const second = await reserve('bob', 'b');
    await wait('ann', 'b');
    await wait('bob', 'a');
    expect(told).toEqual(['ann', 'bob', 'bob: paths_reserved, ann']);
    await release(second);
    expect(told.at(-1)).toBe('ann');
  });

  test('does not let many wait for each other in a circle, and names it', async () => {
    const { call, reserve, wait, release, told } = await open();
    const names = ['ann', 'bob', 'cyd', 'dan'];
    const own: Json[] = [];
    for (const each of names) own.push(await reserve(each, each));
    for (const [i, each] of names.slice(0, -1).entries()) await wait(each, names[i + 1] as string);
    await wait('dan', 'ann');
    expect(told.slice(4)).toEqual(['dan: paths_reserved, ann']);
    const refusal = await call('reservations.reserve', { agent: 'dan', paths: ['ann'], wait: 60 }).catch(
      (each) => each,
    );
    expect(refusal.options.extra.conflicts).toMatchObject([{ waitsForYou: true, circle: names }]);
    expect(refusal.message).toContain('and waits for bob, who waits for cyd, who waits for what you have');
    await release(own[3]);
    expect(told.at(-1)).toBe('cyd');
  });

  test('does not let one wait behind those who wait, through others, for what it has', async () => {
    const { reserve, wait, told } = await open();
    await reserve('ann', 'a');
    await reserve('bob', 'b');
    await wait('cyd', 'a c');
    await wait('ann', 'b');
    // cyd waits for ann, and ann for bob: bob behind cyd would be a circle.
    await reserve('bob', 'c');
    expect(told).toEqual(['ann', 'bob', 'bob']);
  });

  test('sees a circle that goes through those who are behind others', async () => {
    const { reserve, wait, told } = await open();
    await reserve('ann', 'a');
    await reserve('bob', 'b');
    await wait('cyd', 'a c');
    // Nobody has c, but cyd came first.
    await wait('bob', 'c');
    await wait('ann', 'b');
    expect(told).toEqual(['ann', 'bob', 'ann: paths_reserved, bob']);
  });

  test('sees a circle that a grant closes', async () => {
    const { reserve, wait, release, told } = await open();
    const first = await reserve('zoe', 'p');
    await reserve('ann', 'q');
    await wait('bob', 'p');
    await wait('bob', 'q');
    await wait('ann', 'p');
    // bob gets p: now ann waits for bob, and bob for ann, who came later.
    await release(first);
    expect(told).toEqual(['zoe', 'ann', 'bob', expect.stringMatching(/^ann: paths_reserved, bob/)]);
  });
});
