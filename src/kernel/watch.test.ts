import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { MemoryJournal } from '../../tests/support/memory-journal.ts';
import { MemoryStore } from '../../tests/support/memory-store.ts';
import { type Context, capability, command, type LiveCollection, type Moment } from './capability.ts';
import { Refusal } from './errors.ts';
import { Kernel } from './kernel.ts';

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000, toFake: ['setTimeout', 'clearTimeout', 'Date'] }));
afterEach(() => void vi.useRealTimers());

interface State {
  guests: LiveCollection<{ agent: string; here: boolean }>;
}

/** A guest is here for a second after each sign of life. */
const STAY = 1_000;
let asked: string[] = [];

function isHere(agent: string, { sightings, wall }: Moment<State>): boolean {
  return wall - sightings.of(agent).seen.at < STAY;
}

/** A book of who is here. */
const book = capability<State>()({
  name: 'book',
  summary: 'A guest book.',
  collections: [{ name: 'guests', keep: 'memory' }],
  events: { guests_noted: 'here' },
  operations: [
    command({
      name: 'book.knock',
      summary: 'Only a sign of life.',
      http: [],
      actor: 'agent',
      input: z.object({ agent: z.string() }),
      output: z.object({}),
      decide: () => [],
      answer: () => ({}),
    }),
  ],
  apply({ guests }, { data }) {
    for (const agent of data.agents as string[]) guests.put(agent, { agent, here: data.here as boolean });
  },
  watch: {
    *recall({ guests }, { started, record }) {
      const seen = Math.max(record, started - STAY / 2);
      for (const { agent, here } of guests.values()) if (here) yield [agent, { seen }];
    },
    touches: ({ data }) => data.agents as string[],
    until(agent, moment) {
      asked.push(agent);
      const here = isHere(agent, moment);
      if (here !== (moment.state.guests.get(agent)?.here ?? false)) return moment.wall;
      return here ? moment.sightings.of(agent).seen.at + STAY : undefined;
    },
    command: command({
      name: 'book.note',
      summary: 'Writes down who came, and who has gone.',
      http: [],
      input: z.object({ agents: z.array(z.string()) }),
      output: z.object({}),
      decide({ agents }, context: Context<State>) {
        const changed = agents.filter(
          (agent) => isHere(agent, context) !== (context.state.guests.get(agent)?.here ?? false),
        );
        return [true, false].flatMap((here) => {
          const some = changed.filter((agent) => isHere(agent, context) === here);
          return some.length === 0 ? [] : [{ type: 'guests_noted', data: { here, agents: some } }];
        });
      },
      answer: () => ({}),
    }),
    beat: (agent) => ({ type: 'guest_seen', subject: agent, data: {} }),
  },
});

interface Opening {
  journal: MemoryJournal;
  store: MemoryStore;
  faults: unknown[];
}

async function open({
  journal = new MemoryJournal({ automatic: true }),
  store = new MemoryStore(),
  faults = [],
}: Partial<Opening> = {}) {
  const kernel = await Kernel.open({
    journal,
    store,
    capabilities: [book],
    world: { clock: () => Date.now(), random: (n) => 'x'.repeat(n) },
    onFault: (error) => void faults.push(error),
  });
  return { kernel, journal, store, knock: (agent: string) => kernel.call('book.knock', { agent }, {}) };
}

/** Lets this much time pass, and what was begun in it become durable. */
async function pass(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
  for (let i = 0; i < 4; i++) await new Promise((resolve) => setImmediate(resolve));
}

const written = ({ records }: MemoryJournal) =>
  records.map(({ event: { data } }) => `${data.agents} ${data.here ? 'came' : 'went'}`);

describe('what is watched', () => {
  test('is written down when it changes, by itself, and not when it does not', async () => {
    const faults: unknown[] = [];
    const { kernel, journal, knock } = await open({ faults });
    await knock('ann');
    await pass(1);
    expect(written(journal)).toEqual(['ann came']);
    for (let i = 0; i < 10; i++) {
      await pass(STAY - 2);
      await knock('ann');
    }
    expect(written(journal)).toHaveLength(1);
    await pass(STAY);
    expect(written(journal)).toEqual(['ann came', 'ann went']);
    await pass(60_000);
    expect([written(journal).length, faults]).toEqual([2, []]);
    await kernel.close();
  });

  test('is written down before the next sign of life makes it something else', async () => {
    const { kernel, journal, knock } = await open();
    await knock('ann');
    await pass(1);
    // The timer is late.
    vi.setSystemTime(1_000_000 + 2 * STAY);
    await knock('ann');
    await knock('bob');
    expect(written(journal)).toEqual(['ann came', 'ann went', 'ann came']);
    await kernel.close();
  });

  test('is written down again where the journal did not keep it', async () => {
    const { kernel, journal, knock } = await open({ journal: new MemoryJournal() });
    await knock('ann');
    await pass(1);
    expect(journal.head).toBe(1);
    journal.abort(new Refusal('disk_full', 'full'));
    expect(kernel.collection('guests').size).toBe(0);
    await pass(1);
    journal.commit();
    expect(written(journal)).toEqual(['ann came']);
    await kernel.close();
  });
});

describe('when the server starts', () => {
  const names = Array.from({ length: 1_000 }, (_, i) => `agent-${i}`);

  /** A server that is started ten stays after one in which all of these were here, and what each writes down. */
  async function restarted() {
    const first = await open();
    for (const name of names) first.kernel.sightings.seen(name);
    await pass(1);
    await first.kernel.close();
    vi.setSystemTime(1_000_000 + 10 * STAY);
    const journal = new MemoryJournal({ automatic: true, records: first.journal.records });
    const second = await open({ journal, store: first.store.copy() });
    const since = first.journal.records.length;
    return {
      ...second,
      sizes: () => journal.records.slice(since).map(({ event }) => (event.data.agents as string[]).length),
    };
  }

  test('everybody is as may be known from before, until time says otherwise; one timer is enough for all', async () => {
    const { kernel, sizes } = await restarted();
    expect(vi.getTimerCount()).toBe(1);
    await pass(400);
    expect(sizes()).toEqual([]);
    await pass(200);
    expect(sizes()).toEqual([200, 200, 200, 200, 200]);
    await kernel.close();
  });

  test('a sign of one asks for that one alone, and keeps it', async () => {
    const { kernel, journal, knock } = await restarted();
    asked = [];
    for (let i = 0; i < 10; i++) await knock('agent-7');
    expect(new Set(asked)).toEqual(new Set(['agent-7']));
    await pass(600);
    const gone = journal.records.flatMap(({ event }) => (event.data.here ? [] : (event.data.agents as string[])));
    expect(gone.sort()).toEqual(names.filter((name) => name !== 'agent-7').sort());
    await kernel.close();
  });
});

test('a sign of life is shown to who looks, and to nobody later', async () => {
  const { kernel, knock } = await open();
  const shown: string[] = [];
  await knock('ann');
  const away = kernel.feed.ephemera.listen((events) => void shown.push(...events.map(({ frame }) => frame)));
  await knock('bob');
  await pass(200);
  away();
  await knock('cyd');
  await pass(200);
  expect(shown).toEqual([JSON.stringify({ at: 1_000_000, type: 'guest_seen', actor: '', subject: 'bob', data: {} })]);
  await kernel.close();
});
