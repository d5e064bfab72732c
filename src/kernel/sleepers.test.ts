import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { MemoryJournal } from '../../tests/support/memory-journal.ts';
import { MemoryStore } from '../../tests/support/memory-store.ts';
import { type Context, capability, command, type Entities } from './capability.ts';
import { Refusal } from './errors.ts';
import { Kernel } from './kernel.ts';
import { Sleepers } from './sleepers.ts';

interface State {
  stock: Entities<{ n: number }>;
}

const inStock = ({ stock }: State) => stock.get('a')?.n ?? 0;

/** Things that are put in, and taken out one by one by whoever waits for them. */
const shelf = capability<State>()({
  name: 'shelf',
  summary: 'A shelf.',
  collections: [{ name: 'stock', keep: 'memory' }],
  events: { shelf_filled: 'n', shelf_taken: '', shelf_dusted: '' },
  operations: [
    command({
      name: 'shelf.fill',
      summary: 'Puts some in.',
      http: [],
      input: z.object({ n: z.number() }),
      output: z.object({}),
      decide: ({ n }) => [n > 0 ? { type: 'shelf_filled', data: { n } } : { type: 'shelf_dusted', data: {} }],
      answer: () => ({}),
    }),
    command({
      name: 'shelf.take',
      summary: 'Takes one.',
      http: [],
      actor: 'agent',
      input: z.object({ agent: z.string(), wait: z.number().default(0) }),
      output: z.object({ taken: z.boolean() }),
      decide: (_, { state }: Context<State>) => (inStock(state) > 0 ? [{ type: 'shelf_taken', data: {} }] : []),
      wait: {
        idle(_, { state }: Context<State>) {
          looks++;
          return inStock(state) === 0;
        },
        keys: () => ['filled'],
      },
      answer: (events) => ({ taken: events.length > 0 }),
    }),
    command({
      name: 'shelf.order',
      summary: 'Takes some, in turn.',
      http: [],
      actor: 'agent',
      input: z.object({ agent: z.string(), n: z.number(), wait: z.number().default(0) }),
      output: z.object({}),
      decide({ n }, { state, ahead }: Context<State>) {
        if (inStock(state) < n || [...ahead].length > 0) throw new Refusal('rate_limited', 'Not now.');
        return Array.from({ length: n }, () => ({ type: 'shelf_taken', data: {} }));
      },
      wait: {
        idle: ({ n }, { state, ahead }: Context<State>) => inStock(state) < n || [...ahead].length > 0,
        keys: () => ['filled'],
        queue: 'filled',
      },
      answer: () => ({}),
    }),
  ],
  wakes: ({ type }) => (type === 'shelf_filled' ? ['filled'] : []),
  apply(state, { type, data }) {
    if (type === 'shelf_filled') state.stock.put('a', { n: inStock(state) + (data.n as number) });
    if (type === 'shelf_taken') state.stock.put('a', { n: inStock(state) - 1 });
  },
});

let looks = 0;
beforeEach(() => {
  looks = 0;
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => void vi.useRealTimers());

async function open() {
  const journal = new MemoryJournal({ automatic: true });
  const store = new MemoryStore();
  const kernel = await Kernel.open({
    journal,
    store,
    capabilities: [shelf],
    world: { clock: () => 1_000, random: (n) => 'x'.repeat(n) },
  });
  const answers: string[] = [];
  /** Waits for one; who was given one is noted by name, who was not with a dash. */
  const take = async (agent: string, wait = 10, signal?: AbortSignal, idempotencyKey?: string) => {
    const { value } = await kernel.call('shelf.take', { agent, wait }, { signal, idempotencyKey });
    answers.push((value as { taken: boolean }).taken ? agent : `-${agent}`);
  };
  /** Wants some; who got them is noted by name, who was refused with a dash. */
  const order = (agent: string, n: number, wait: number, signal?: AbortSignal) =>
    kernel.call('shelf.order', { agent, n, wait }, { signal }).then(
      () => answers.push(agent),
      (error) => answers.push(`-${agent} ${error.code}`),
    );
  const fill = async (n: number) => {
    await kernel.call('shelf.fill', { n }, {});
    await settled();
  };
  const takers = () => journal.records.filter(({ event }) => event.type === 'shelf_taken').map((r) => r.event.actor);
  return { store, answers, take, order, fill, takers };
}

/** Lets every batch that was begun become durable, and every answer come. */
async function settled(): Promise<void> {
  for (let i = 0; i < 6; i++) await new Promise((resolve) => setImmediate(resolve));
}

describe('callers that wait', () => {
  test('are given what comes in the order in which they came, one each', async () => {
    const { answers, take, fill, takers } = await open();
    for (const name of ['ann', 'bob', 'cyd', 'dan']) void take(name);
    await fill(1);
    expect(answers).toEqual(['ann']);
    await fill(2);
    expect(answers).toEqual(['ann', 'bob', 'cyd']);
    void take('eve');
    await fill(5);
    expect(takers()).toEqual(['ann', 'bob', 'cyd', 'dan', 'eve']);
  });

  test('are answered empty when their time is over, and take nothing later', async () => {
    const { answers, take, fill, takers } = await open();
    void take('ann', 2);
    void take('bob', 5);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(answers).toEqual(['-ann']);
    await fill(2);
    expect(takers()).toEqual(['bob']);
    await settled();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('are given nothing once they are gone', async () => {
    const { answers, take, fill, takers } = await open();
    const gone = new AbortController();
    void take('ann', 10, gone.signal);
    void take('bob');
    gone.abort();
    await settled();
    expect(answers).toEqual(['-ann']);
    await fill(1);
    expect(takers()).toEqual(['bob']);
  });

  test('are given nothing where they go in the moment in which it comes', async () => {
    const { take, fill, takers, store } = await open();
    const gone = new AbortController();
    void take('ann', 10, gone.signal);
    // The index is told right after the sleepers.
    const write = store.write.bind(store);
    store.write = (...batch) => {
      write(...batch);
      gone.abort();
    };
    await fill(1);
    expect(takers()).toEqual([]);
  });

  test('are given nothing where they were gone before they came', async () => {
    const { answers, take, takers, fill } = await open();
    await take('ann', 10, AbortSignal.abort());
    await fill(1);
    await take('bob', 10, AbortSignal.abort());
    expect([answers, takers()]).toEqual([['-ann', '-bob'], []]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('have one timer each, however often they are woken for nothing, and none once they are answered', async () => {
    const { take, fill } = await open();
    for (const name of ['ann', 'bob', 'cyd']) void take(name);
    for (const left of [2, 1, 0]) {
      await fill(1);
      expect(vi.getTimerCount()).toBe(left);
    }
  });

  test('are woken by what may bring something, and by nothing else', async () => {
    const { take, fill } = await open();
    void take('ann');
    await fill(0);
    expect(looks).toBe(1);
    await fill(1);
    expect(looks).toBe(2);
  });

  test('with one idempotency key are given one together', async () => {
    const { answers, take, fill, takers } = await open();
    void take('ann', 10, undefined, 'key');
    void take('ann', 10, undefined, 'key');
    await fill(2);
    expect(answers).toEqual(['ann', 'ann']);
    expect(takers()).toEqual(['ann']);
  });
});

test('who does not wait is answered at once', async () => {
  const { answers, take } = await open();
  await take('ann', 0);
  expect(answers).toEqual(['-ann']);
  expect(vi.getTimerCount()).toBe(0);
});

describe('callers that wait in a queue', () => {
  test('are not passed by those who came later and want less', async () => {
    const { answers, order, fill } = await open();
    void order('ann', 3, 10);
    void order('bob', 1, 10);
    await fill(1);
    await order('cyd', 1, 0);
    expect(answers).toEqual(['-cyd rate_limited']);
    await fill(2);
    expect(answers.slice(1)).toEqual(['ann']);
    await fill(1);
    expect(answers.slice(2)).toEqual(['bob']);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('make room when their time is over: they are refused, and whoever comes next looks again', async () => {
    const { answers, order, fill } = await open();
    void order('ann', 3, 2);
    void order('bob', 1, 10);
    await fill(1);
    expect(answers).toEqual([]);
    await vi.advanceTimersByTimeAsync(2_000);
    await settled();
    expect(answers.sort()).toEqual(['-ann rate_limited', 'bob']);
  });

  test('make room when they are gone', async () => {
    const { answers, order, fill, takers } = await open();
    const gone = new AbortController();
    void order('ann', 3, 10, gone.signal);
    void order('bob', 1, 10);
    await fill(1);
    gone.abort();
    await settled();
    expect(answers).toContain('bob');
    await fill(5);
    expect(takers()).toEqual(['bob']);
  });

  test('stand in the way of nobody who wants nothing of it', async () => {
    const { answers, order, take, fill } = await open();
    void order('ann', 3, 10);
    await fill(1);
    await take('bob', 0);
    expect(answers).toEqual(['bob']);
  });
});

describe('that somebody sleeps', () => {
  /** A sleeper for `key`, and what was told of its sleep. */
  function enter() {
    const sleepers = new Sleepers();
    const told: string[] = [];
    const sleeper = sleepers.enter(['key'], 10_000, {
      asleep() {
        told.push('asleep');
        return () => void told.push('over');
      },
    });
    return { sleepers, sleeper, told };
  }

  test('is told once, when it does, and that it is over, when it has been answered', async () => {
    const { sleepers, sleeper, told } = enter();
    expect(told).toEqual([]);
    for (let i = 0; i < 2; i++) {
      const woken = sleeper.woken();
      expect(told).toEqual(['asleep']);
      sleepers.happened(['key']);
      await woken;
    }
    sleeper.leave();
    sleeper.leave();
    expect(told).toEqual(['asleep', 'over']);
  });

  test('is not told where something has come already, or where nobody waits any more', async () => {
    const { sleepers, sleeper, told } = enter();
    sleepers.happened(['key']);
    await sleeper.woken();
    sleeper.leave();
    await sleeper.woken();
    expect(told).toEqual([]);
  });
});
