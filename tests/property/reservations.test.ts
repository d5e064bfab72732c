import fc from 'fast-check';
import { Minimatch } from 'minimatch';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { reservations } from '../../src/capabilities/reservations/index.ts';
import { Kernel } from '../../src/kernel/kernel.ts';
import { MemoryJournal } from '../support/memory-journal.ts';
import { MemoryStore } from '../support/memory-store.ts';
import type { Json } from '../support/node.ts';
import { table } from '../support/tasks.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

const GLOBS = ['a/**', 'b/**', '**/x', 'a/x', 'a/y', 'b/x', 'b/y', '*/x', '[ab]/y', '{a,b}/x', '**'];
const NAMES = ['a', 'b', 'x', 'y'];
const PATHS = ['x', 'y', ...NAMES.flatMap((a) => NAMES.flatMap((b) => [`${a}/${b}`, `${a}/${b}/x`, `${a}/${b}/y`]))];
// What does not end with a wildcard may be a directory.
const MATCHERS = new Map(
  GLOBS.map((glob) => [glob, (glob.endsWith('*') ? [glob] : [glob, `${glob}/**`]).map((each) => new Minimatch(each))]),
);

interface Wish {
  agent: string;
  paths: readonly string[];
  mode: string;
}

function meet(a: Wish, b: Wish): boolean {
  const isOne = ({ paths }: Wish, path: string) =>
    paths.some((glob) => MATCHERS.get(glob)?.some((each) => each.match(path)));
  const free = a.agent === b.agent || (a.mode === 'shared' && b.mode === 'shared');
  return !free && PATHS.some((path) => isOne(a, path) && isOne(b, path));
}

const agent = fc.constantFrom('ann', 'bob', 'cyd', 'dan');
const act = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      does: fc.constant('reserves'),
      agent,
      paths: fc.uniqueArray(fc.constantFrom(...GLOBS), { minLength: 1, maxLength: 2 }),
      mode: fc.constantFrom('exclusive', 'shared'),
      ttl: fc.constantFrom(5, 20, 3_600),
      wait: fc.constantFrom(0, 10, 600),
    }),
  },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('releases'), agent, which: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('sleeps'), seconds: fc.constantFrom(1, 5, 30) }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('leaves'), which: fc.nat(9) }) },
);
/** Everybody has a file. */
const OWN = [
  ['ann', 'a/x'],
  ['bob', 'a/y'],
  ['cyd', 'b/x'],
  ['dan', 'b/y'],
].map(([name, path]) => ({ does: 'reserves', agent: name as string, paths: [path as string], mode: 'exclusive' }));

type Act = Partial<Wish> & { does: string; ttl?: number; wait?: number; which?: number; seconds?: number };

/** Agents that reserve, wait, release and go away, on one server in memory. */
class Team {
  readonly #kernel: Kernel;
  readonly #clock: { now: number };
  /** Wishes that wait, in the order in which they came. */
  readonly #waiting = new Set<Wish & { gone: AbortController }>();
  readonly #faults: string[] = [];
  #held: (Wish & { id: string })[] = [];

  static async gather(): Promise<Team> {
    const clock = { now: 1_000 };
    const kernel = await Kernel.open({
      journal: new MemoryJournal({ automatic: true }),
      store: new MemoryStore(),
      capabilities: [...table.slice(0, -1), reservations, ...table.slice(-1)],
      world: { clock: () => clock.now, random: (n) => 'x'.repeat(n) },
    });
    return new Team(kernel, clock);
  }

  private constructor(kernel: Kernel, clock: { now: number }) {
    this.#kernel = kernel;
    this.#clock = clock;
  }

  async act({ does, agent = '', paths = [], mode = '', ttl, wait = 0, which = 0, seconds = 0 }: Act): Promise<void> {
    if (does === 'reserves') this.#reserve({ agent, paths, mode }, ttl, wait);
    if (does === 'releases') {
      const own = this.#held.filter((each) => each.agent === agent);
      const one = own[which % Math.max(1, own.length)];
      if (one) await this.#kernel.call('reservations.release', { id: one.id, agent }, {});
    }
    if (does === 'leaves') [...this.#waiting][which]?.gone.abort();
    if (does === 'sleeps') {
      this.#clock.now += seconds * 1_000;
      await vi.advanceTimersByTimeAsync(seconds * 1_000);
    }
    await this.settle();
  }

  #reserve(wish: Wish, ttl: number | undefined, wait: number): void {
    const waiter = { ...wish, gone: new AbortController() };
    const ahead = [...this.#waiting];
    const had = [...this.#held];
    if (wait > 0) this.#waiting.add(waiter);
    const free = () => ![...had, ...ahead].some((each) => meet(wish, each));
    void this.#kernel.call('reservations.reserve', { ...wish, ttl, wait }, { signal: waiter.gone.signal }).then(
      ({ value }) => this.#granted(waiter, (value as Json).reservation),
      ({ code }) => {
        this.#waiting.delete(waiter);
        if (wait === 0 && code === 'paths_reserved' && free())
          this.#faults.push(`${wish.agent} was refused for nothing`);
      },
    );
  }

  /** Nobody who came before, still waits and wants the same was passed, but by one that it waits for. */
  #granted(wish: Wish & { gone: AbortController }, reservation: Wish & { id: string }): void {
    for (const earlier of this.#waiting) {
      if (earlier === wish) break;
      const waitsForIt = this.#waitsFor(earlier, wish.agent, true);
      if (!earlier.gone.signal.aborted && !waitsForIt && meet(earlier, wish))
        this.#faults.push(`${earlier.agent} was passed by ${wish.agent}`);
    }
    this.#waiting.delete(wish);
    this.#held.push(reservation);
  }

  /** True where a wish waits for what an agent has, for who waits for it or, where turns count, behind one of these. */
  #waitsFor(wish: Wish, agent: string, turnsCount: boolean, seen = new Set<Wish>()): boolean {
    if (seen.has(wish)) return false;
    seen.add(wish);
    const waiting: Wish[] = [...this.#waiting];
    const holders = this.#held.filter((each) => meet(wish, each)).map((each) => each.agent);
    if (holders.includes(agent)) return true;
    const next = waiting.filter((each) => holders.includes(each.agent));
    if (turnsCount) next.push(...waiting.slice(0, waiting.indexOf(wish)).filter((each) => meet(wish, each)));
    return next.some((each) => this.#waitsFor(each, agent, turnsCount, seen));
  }

  async settle(): Promise<void> {
    for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
    const { value } = await this.#kernel.call('reservations.list', {}, {});
    this.#held = (value as Json).reservations;
  }

  /** No two have what no two may have, and nobody waits for nothing. */
  check(): void {
    expect(this.#faults).toEqual([]);
    for (const a of this.#held) for (const b of this.#held) expect(meet(a, b)).toBe(false);
    for (const each of this.#waiting) expect(this.#waitsFor(each, each.agent, false), 'a circle').toBe(false);
    const [first] = this.#waiting;
    if (first) expect(this.#held.some((each) => meet(first, each))).toBe(true);
  }

  /** Everybody lets go: whoever waits gets what it waits for. */
  async end(): Promise<void> {
    for (let i = 0; this.#waiting.size > 0; i++) {
      expect(i).toBeLessThan(100);
      for (const each of ['ann', 'bob', 'cyd', 'dan'])
        await this.#kernel.call('reservations.release_all', { agent: each }, {});
      await this.settle();
    }
    await this.#kernel.close();
  }
}

test('no two agents ever have the same file, whoever waits is served in turn, and none wait for each other', {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.boolean(), fc.array(act, { minLength: 5, maxLength: 30 }), async (hasBegun, acts) => {
      const team = await Team.gather();
      for (const each of [...(hasBegun ? OWN : []), ...acts]) {
        await team.act(each as Act);
        team.check();
      }
      await team.end();
      expect(vi.getTimerCount()).toBe(0);
    }),
    { numRuns: 150 },
  );
});
