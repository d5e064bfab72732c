import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { MemoryJournal } from '../../tests/support/memory-journal.ts';
import { MemoryStore } from '../../tests/support/memory-store.ts';
import { type Context, capability, command, type Entities, type QueryContext, query } from './capability.ts';
import { Refusal } from './errors.ts';
import { decode } from './event.ts';
import { Kernel } from './kernel.ts';

interface Counter {
  value: number;
}
interface State {
  counters: Entities<Counter>;
}

let decisions = 0;

const counting = capability<State>()({
  name: 'counting',
  summary: 'A number.',
  collections: [{ name: 'counters', keep: 'memory' }],
  events: { counter_raised: 'by' },
  operations: [
    command({
      name: 'counter.raise',
      summary: 'Raises it, by many events where asked.',
      http: [],
      actor: 'from',
      input: z.object({
        by: z.number(),
        times: z.number().default(1),
        text: z.string().optional(),
        from: z.string().optional(),
        credit: z.string().optional(),
      }),
      output: z.object({ value: z.number() }),
      decide({ by, times, text, credit }, { state }: Context<State>) {
        decisions++;
        if (by < 0) throw new Refusal('conflict', 'It only goes up.');
        if (by === 0) return [];
        const before = state.counters.get('a')?.value ?? 0;
        return Array.from({ length: times }, (_, i) => ({
          type: 'counter_raised',
          ...(credit !== undefined && { actor: credit }),
          data: { by, total: before + by * (i + 1), bad: by === 13, text },
        }));
      },
      answer: (events, state: State) => ({
        value: (events.at(-1)?.data.total as number) ?? state.counters.get('a')?.value ?? 0,
      }),
    }),
    query({
      name: 'counter.read',
      summary: 'Reads it.',
      http: [],
      input: z.object({}),
      output: z.object({ value: z.number() }),
      run: (_, { state }: QueryContext<State>) => ({ value: state.counters.get('a')?.value ?? 0 }),
    }),
  ],
  apply(state, event) {
    if (event.type !== 'counter_raised') return;
    state.counters.put('a', { value: (state.counters.get('a')?.value ?? 0) + (event.data.by as number) });
    if (event.data.bad) throw new Error('the fold broke');
  },
});

async function open(options: { automatic?: boolean; clock?: () => number; journal?: MemoryJournal } = {}) {
  const journal = options.journal ?? new MemoryJournal(options);
  const store = new MemoryStore();
  const kernel = await Kernel.open({
    journal,
    store,
    capabilities: [counting],
    world: { clock: options.clock ?? (() => 1_000), random: (n) => 'x'.repeat(n) },
  });
  const raise = (by: number, more: object = {}, key?: string) =>
    kernel.call('counter.raise', { by, ...more }, { agent: 'link', idempotencyKey: key });
  const read = () => kernel.call('counter.read', {}, {});
  return { journal, store, kernel, raise, read };
}

/** What a promise is right now. */
async function settledYet(promise: Promise<unknown>): Promise<boolean> {
  await new Promise((resolve) => setImmediate(resolve));
  return Promise.race([
    promise.then(
      () => true,
      () => true,
    ),
    Promise.resolve(false),
  ]);
}

describe('durable before visible', () => {
  test('a command is answered when its events are durable, not before', async () => {
    const { journal, raise } = await open();
    const answer = raise(2);
    expect(await settledYet(answer)).toBe(false);
    journal.commit();
    expect(await answer).toEqual({ value: { value: 2 }, seq: 1, agent: 'link' });
  });

  test('a read that saw what is not durable yet is answered when it is', async () => {
    const { journal, raise, read } = await open();
    const raised = raise(2);
    const answer = read();
    expect(await settledYet(answer)).toBe(false);
    journal.commit();
    await raised;
    expect(await answer).toMatchObject({ value: { value: 2 }, seq: 1 });
  });

  test('subscribers see nothing before it is durable', async () => {
    const { journal, raise, kernel } = await open();
    const raised = raise(1);
    expect(kernel.feed.head).toBe(0);
    journal.commit();
    await raised;
    expect(kernel.feed.head).toBe(1);
  });
});

describe('what the journal does not keep', () => {
  const full = new Refusal('disk_full', 'full');

  test('is refused and taken back, through every batch that stood on it', async () => {
    const { journal, raise, read } = await open();
    const kept = raise(1);
    journal.commit();
    await kept;
    const lost = [raise(2), raise(3, { times: 4 })];
    const seen = read();
    journal.abort(full);
    for (const answer of lost) await expect(answer).rejects.toBe(full);
    expect(await seen).toMatchObject({ value: { value: 1 } });
    const next = raise(5);
    journal.commit();
    expect(await next).toEqual({ value: { value: 6 }, seq: 2, agent: 'link' });
  });

  test('is forgotten by its idempotency key, so that the retry is done', async () => {
    const { journal, raise } = await open();
    const lost = raise(2, {}, 'k');
    journal.abort(full);
    await expect(lost).rejects.toBe(full);
    const retry = raise(2, {}, 'k');
    journal.commit();
    const { replayed, value } = await retry;
    expect([replayed, value]).toEqual([undefined, { value: 2 }]);
  });

  test('is decided again on the new state where somebody else was first', async () => {
    const { journal, raise } = await open();
    decisions = 0;
    const answer = raise(2);
    journal.abort(new Refusal('conflict', 'somebody was first'));
    await new Promise((resolve) => setImmediate(resolve));
    journal.commit();
    expect(await answer).toEqual({ value: { value: 2 }, seq: 1, agent: 'link' });
    expect(decisions).toBe(2);
  });

  test('is refused as a conflict after five decisions', async () => {
    const { journal, raise } = await open();
    decisions = 0;
    const answer = raise(2);
    answer.catch(() => {});
    for (let i = 0; i < 6; i++) {
      journal.abort(new Refusal('conflict', 'somebody was first'));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await expect(answer).rejects.toMatchObject({ code: 'conflict' });
    expect(decisions).toBe(5);
  });
});

describe('while too much waits for the index', () => {
  test('commands wait, and are decided on what there is then', async () => {
    const { store, journal, raise, read } = await open({ automatic: true });
    let make = () => {};
    store.room = () => new Promise((resolve) => (make = resolve));
    store.full = true;
    const answer = raise(2);
    expect(await settledYet(answer)).toBe(false);
    expect([journal.head, (await read()).value]).toEqual([0, { value: 0 }]);
    store.full = false;
    await raise(1);
    make();
    expect(await answer).toEqual({ value: { value: 3 }, seq: 2, agent: 'link' });
  });

  test('commands are refused where it cannot be written, and nothing is stored', async () => {
    const { store, journal, raise } = await open({ automatic: true });
    const refusal = new Refusal('index_unavailable', 'it is full');
    store.room = () => Promise.reject(refusal);
    store.full = true;
    await expect(raise(2, {}, 'k')).rejects.toBe(refusal);
    expect(journal.head).toBe(0);
    store.full = false;
    const { replayed } = await raise(2, {}, 'k');
    expect([replayed, journal.head]).toEqual([undefined, 1]);
  });

  test('commands that wait when it closes are refused', async () => {
    const { store, journal, kernel, raise } = await open({ automatic: true });
    let make = () => {};
    store.room = () => new Promise((resolve) => (make = resolve));
    store.full = true;
    const answer = raise(2);
    await kernel.close();
    make();
    await expect(answer).rejects.toMatchObject({ code: 'shutting_down' });
    expect(journal.head).toBe(0);
  });
});

describe('nothing half done', () => {
  test('a fold that throws changes nothing and journals nothing', async () => {
    const { journal, raise, read } = await open({ automatic: true });
    await raise(1);
    await expect(raise(13, { times: 2 })).rejects.toThrow('the fold broke');
    expect(await read()).toMatchObject({ value: { value: 1 } });
    expect(journal.records).toHaveLength(1);
    expect(await raise(1)).toMatchObject({ seq: 2 });
  });

  test('a refusal changes nothing', async () => {
    const { journal, raise } = await open({ automatic: true });
    await expect(raise(-1)).rejects.toMatchObject({ code: 'conflict' });
    expect(journal.head).toBe(0);
  });

  test('an event that is too large is refused and changes nothing', async () => {
    const { journal, raise, read } = await open({ automatic: true });
    await expect(raise(1, { times: 2, text: 'ü'.repeat(140_000) })).rejects.toMatchObject({ code: 'too_large' });
    expect(journal.head).toBe(0);
    expect(await read()).toMatchObject({ value: { value: 0 } });
  });

  test('the events of one command are numbered as one', async () => {
    const { journal, raise } = await open({ automatic: true });
    await raise(1, { times: 3 });
    expect(journal.records.map(({ event }) => event.tx)).toEqual([1, 2, 3].map((i) => ({ id: 1, i, n: 3 })));
  });
});

describe('times', () => {
  test('increase strictly, also when the clock goes backwards or stands still', async () => {
    let wall = 0;
    const { journal, raise } = await open({ automatic: true, clock: () => wall });
    for (wall of [5_000, 5_000, 1_000, 9_000, 0]) await raise(1);
    expect(journal.records.map(({ event }) => event.at)).toEqual([5_000, 5_001, 5_002, 9_000, 9_001]);
  });
});

describe('idempotency keys', () => {
  test('the same request with the same key is done once and answered alike', async () => {
    const { journal, raise } = await open({ automatic: true });
    const first = await raise(2, { times: 2 }, 'k');
    const again = await raise(2, { times: 2 }, 'k');
    expect(again).toEqual({ ...first, replayed: true });
    expect(journal.head).toBe(2);
  });

  test('two at once with one key are done once', async () => {
    const { journal, raise } = await open();
    const both = [raise(2, {}, 'k'), raise(2, {}, 'k')];
    await new Promise((resolve) => setImmediate(resolve));
    journal.commit();
    const [a, b] = await Promise.all(both);
    expect(b).toEqual({ ...a, replayed: true });
    expect(journal.head).toBe(1);
  });

  test('the same key with other content is refused', async () => {
    const { raise } = await open({ automatic: true });
    await raise(2, {}, 'k');
    await expect(raise(3, {}, 'k')).rejects.toMatchObject({ code: 'idempotency_key_reused' });
  });

  test('keys of different agents never meet', async () => {
    const { kernel } = await open({ automatic: true });
    await kernel.call('counter.raise', { by: 1 }, { agent: 'a', idempotencyKey: 'k' });
    const other = await kernel.call('counter.raise', { by: 5 }, { agent: 'b', idempotencyKey: 'k' });
    expect(other.replayed).toBeUndefined();
  });

  test("a key is its caller's, also where the events are somebody else's, and after a restart", async () => {
    const before = await open({ automatic: true });
    const { journal } = before;
    const first = await before.raise(2, { credit: 'kai' }, 'k');
    const own = await before.raise(3, {}, 'own');
    const [credited] = journal.records;
    expect(credited?.event.actor).toBe('kai');
    expect(decode(Buffer.from((credited?.line ?? '').trimEnd()))).toEqual(credited);
    for (const { raise } of [before, await open({ journal })]) {
      expect(await raise(2, { credit: 'kai' }, 'k')).toMatchObject({ seq: first.seq, replayed: true });
      expect(await raise(3, {}, 'own')).toMatchObject({ seq: own.seq, replayed: true });
    }
    const { kernel } = await open({ journal });
    const other = await kernel.call('counter.raise', { by: 7 }, { agent: 'kai', idempotencyKey: 'k' });
    expect(other.replayed).toBeUndefined();
  });

  test('a key that is no key is refused', async () => {
    const { raise } = await open({ automatic: true });
    for (const key of ['', 'a b', 'ü', 'x'.repeat(201)])
      await expect(raise(1, {}, key)).rejects.toMatchObject({ code: 'invalid_idempotency_key' });
  });
});

test('after closing, commands are refused and nothing is lost', async () => {
  const { kernel, journal, raise } = await open();
  const answer = raise(1);
  await kernel.close();
  expect(await answer).toMatchObject({ seq: 1 });
  await expect(raise(1)).rejects.toMatchObject({ code: 'shutting_down' });
  expect(journal.records).toHaveLength(1);
});
