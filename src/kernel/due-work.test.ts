import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { MemoryJournal } from '../../tests/support/memory-journal.ts';
import { MemoryStore } from '../../tests/support/memory-store.ts';
import { type Context, capability, command, type Entities } from './capability.ts';
import { DueWork } from './due-work.ts';
import { Refusal } from './errors.ts';
import { Kernel } from './kernel.ts';

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }));
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const nothing = command({
  name: 'nothing',
  summary: 'Only a name.',
  http: [],
  input: z.object({}),
  output: z.object({}),
  decide: () => [],
  answer: () => ({}),
});

/** Work that is due at times of a list; it is done by taking the first one off. */
function work(name: string, ...at: number[]) {
  return workThat(name, {}, at);
}

/** The same, declared with more. */
function workThat(name: string, more: { mayLag?: true }, at: number[]) {
  const times = at.map((ms) => 1_000_000 + ms);
  const own = { ...nothing, name };
  const spec = { name, summary: '', collections: [], operations: [], events: {} };
  return {
    times,
    command: own,
    capability: capability()({ ...spec, due: { at: () => times[0], command: own, ...more } }),
  };
}

/** Due work whose every turn is noted as `name@milliseconds`; `hinder` may stand in the way. */
function start(works: ReturnType<typeof work>[], hinder: (name: string) => boolean = () => false) {
  const done: string[] = [];
  const faults: unknown[] = [];
  const due = new DueWork({
    capabilities: works.map((each) => each.capability),
    wall: () => Date.now(),
    moment: () => ({ state: {} as never, wall: Date.now(), settings: {}, began: 0, sightings: {} as never }),
    perform(command) {
      if (hinder(command.name)) return false;
      works.find((each) => each.command === command)?.times.shift();
      done.push(`${command.name}@${Date.now() - 1_000_000}`);
      return true;
    },
    onFault: (error) => void faults.push(error),
  });
  due.changed();
  return { due, done, faults };
}

/** Makes every turn take 10 milliseconds. */
function slowly() {
  vi.spyOn(performance, 'now').mockImplementation(() => Date.now());
  return () => {
    vi.setSystemTime(Date.now() + 10);
    return false;
  };
}

describe('what is due', () => {
  test('is done by a timer at its time, once for each time that has come', () => {
    const { done, due } = start([work('a', 500, 500, 900), work('b', 700)]);
    vi.advanceTimersByTime(499);
    expect(done).toEqual([]);
    vi.advanceTimersByTime(60_000);
    expect(done).toEqual(['a@500', 'a@500', 'b@700', 'a@900']);
    due.close();
  });

  test('is done at once by whoever asks that it be, and nothing before its time', () => {
    const { done, due } = start([work('a', 500, 501)]);
    vi.setSystemTime(1_000_499);
    due.settle();
    expect(done).toEqual([]);
    vi.setSystemTime(1_000_500);
    due.settle();
    expect(done).toEqual(['a@500']);
    due.close();
  });

  test('gives others their turn where it is much and may lag, and goes on by itself', () => {
    const often = Array.from({ length: 50 }, () => 500);
    const { done, due } = start([workThat('a', { mayLag: true }, often), work('b', 500)], slowly());
    vi.setSystemTime(1_000_500);
    due.settle();
    expect(done.slice(19)).toEqual(['a@700', 'b@710']);
    due.settle();
    expect(done).toHaveLength(21);
    vi.advanceTimersByTime(10_000);
    expect(done).toHaveLength(51);
    due.close();
  });

  test('is all done at once, however much it is, where it may not lag', () => {
    const { done, due } = start([work('a', ...Array.from({ length: 50 }, () => 500))], slowly());
    vi.setSystemTime(1_000_500);
    due.settle();
    expect(done).toHaveLength(50);
    due.close();
  });

  test('is looked for again after a change, and is then done sooner', () => {
    const a = work('a');
    const { done, due } = start([a]);
    a.times.push(1_005_000);
    due.changed();
    a.times.unshift(1_000_100);
    due.changed();
    vi.advanceTimersByTime(60_000);
    expect(done).toEqual(['a@100', 'a@5000']);
    due.close();
  });

  test('is found within ten seconds where the clock was set forward', () => {
    const { done, due } = start([work('a', 3_600_000)]);
    vi.setSystemTime(1_000_000 + 7_200_000);
    vi.advanceTimersByTime(10_000);
    expect(done).toHaveLength(1);
    due.close();
  });

  test('is not done any more once it is closed', () => {
    const { done, due } = start([work('a', 500)]);
    due.close();
    vi.advanceTimersByTime(60_000);
    due.settle();
    expect(done).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('work that cannot be done', () => {
  const bug = () => {
    throw new Error('a bug');
  };

  test.each([
    ['throws', bug, 'a bug'],
    ['finds nothing to do', () => true, 'b is due and finds nothing to do'],
  ])('because it %s is reported each second, and keeps no other from being done', (_, hinders, message) => {
    const { done, faults, due } = start([work('a', 0, 800), work('b', 0), work('c', 0, 300)], (name) =>
      name === 'b' ? hinders() : false,
    );
    vi.advanceTimersByTime(0);
    expect(done).toEqual(['a@0', 'c@0']);
    vi.advanceTimersByTime(900);
    expect(done).toEqual(['a@0', 'c@0', 'c@300', 'a@800']);
    expect(faults).toEqual([expect.objectContaining({ message })]);
    for (let i = 0; i < 5; i++) due.settle();
    expect(faults).toHaveLength(1);
    vi.advanceTimersByTime(2_200);
    expect(faults).toHaveLength(4);
    due.close();
  });

  test('is done when what stood in its way has gone', () => {
    let broken = true;
    const { done, due } = start([work('a', 0)], () => broken && bug());
    vi.advanceTimersByTime(500);
    broken = false;
    vi.advanceTimersByTime(499);
    expect(done).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(done).toEqual(['a@1000']);
    due.close();
  });

  test('because it is due no more when its turn comes, is no fault', () => {
    const a = work('a', 0);
    const { faults, due } = start([a], () => a.times.shift() !== undefined);
    vi.advanceTimersByTime(10_000);
    expect(faults).toEqual([]);
    due.close();
  });

  test('for want of space is tried again each second, and not reported', () => {
    let tries = 0;
    const { done, faults, due } = start([work('a', 0)], () => {
      if (++tries > 3) return false;
      throw new Refusal('disk_full', 'full');
    });
    vi.advanceTimersByTime(3_000);
    expect(done).toEqual(['a@3000']);
    expect(faults).toEqual([]);
    due.close();
  });
});

interface State {
  lamps: Entities<{ until: number }>;
}

/** A lamp that goes out by itself. */
const lamp = capability<State>()({
  name: 'lamp',
  summary: 'A lamp.',
  collections: [{ name: 'lamps', keep: 'memory' }],
  events: { lamp_lit: 'until', lamp_went_out: '' },
  operations: [
    command({
      name: 'lamp.light',
      summary: 'Lights it, where it is out.',
      http: [],
      input: z.object({}),
      output: z.object({ lit: z.boolean() }),
      decide: (_, { state, wall }: Context<State>) =>
        state.lamps.get('a') ? [] : [{ type: 'lamp_lit', data: { until: wall + 1_000 } }],
      answer: (events) => ({ lit: events.length > 0 }),
    }),
  ],
  apply(state, { type, data }) {
    if (type === 'lamp_lit') state.lamps.put('a', { until: data.until as number });
    if (type === 'lamp_went_out') state.lamps.delete('a');
  },
  due: {
    at: ({ lamps }) => lamps.get('a')?.until,
    command: { ...nothing, name: 'lamp.go_out', decide: () => [{ type: 'lamp_went_out', data: {} }] },
  },
});

async function open(journal: MemoryJournal, store = new MemoryStore()) {
  const kernel = await Kernel.open({
    journal,
    store,
    capabilities: [lamp],
    world: { clock: () => Date.now(), random: (n) => 'x'.repeat(n) },
  });
  return { kernel, light: () => kernel.call('lamp.light', {}, {}) };
}

const types = ({ records }: MemoryJournal) => records.map(({ event }) => `${event.type} by ${event.actor}`);

describe('the kernel', () => {
  test('lets no command see a state that time has passed by', async () => {
    const journal = new MemoryJournal();
    const { kernel, light } = await open(journal);
    const first = light();
    journal.commit();
    await first;
    vi.setSystemTime(1_001_000);
    const second = light();
    journal.commit();
    expect((await second).value).toEqual({ lit: true });
    expect(types(journal)).toEqual(['lamp_lit by anonymous', 'lamp_went_out by system', 'lamp_lit by anonymous']);
    await kernel.close();
  });

  test('does again what the journal did not keep', async () => {
    const journal = new MemoryJournal();
    const { kernel, light } = await open(journal);
    const first = light();
    journal.commit();
    await first;
    await vi.advanceTimersByTimeAsync(1_000);
    journal.abort(new Refusal('disk_full', 'full'));
    expect(kernel.collection('lamps').size).toBe(1);
    await vi.advanceTimersByTimeAsync(1_000);
    journal.commit();
    expect(types(journal)).toEqual(['lamp_lit by anonymous', 'lamp_went_out by system']);
    await kernel.close();
  });
  test('does nothing by itself while too much waits for the index, and goes on when there is room', async () => {
    const journal = new MemoryJournal();
    const store = new MemoryStore();
    const { kernel, light } = await open(journal, store);
    const first = light();
    journal.commit();
    await first;
    store.full = true;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(journal.head).toBe(1);
    store.full = false;
    await vi.advanceTimersByTimeAsync(1_000);
    journal.commit();
    expect(types(journal)).toEqual(['lamp_lit by anonymous', 'lamp_went_out by system']);
    await kernel.close();
  });
});
