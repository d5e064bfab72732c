import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { agents } from '../../src/capabilities/agents/index.ts';
import { channels } from '../../src/capabilities/channels/index.ts';
import { presence } from '../../src/capabilities/presence/index.ts';
import type { Presence } from '../../src/capabilities/presence/state.ts';
import { tasks } from '../../src/capabilities/tasks/index.ts';
import { Kernel } from '../../src/kernel/kernel.ts';
import { MemoryJournal } from '../support/memory-journal.ts';
import { MemoryStore } from '../support/memory-store.ts';
import type { Json } from '../support/node.ts';
import { LEASE, Model } from './presence/model.ts';

const NAMES = ['ada', 'bob'];
const TASKS = ['a', 'b', 'c'];
const START = 1_000_000_000;

const name = fc.constantFrom(...NAMES);
const task = fc.constantFrom(...TASKS);
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('pass'), seconds: fc.constantFrom(1, 2, 4, 5, 7, 10, 12, 25) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('act', 'beat'), name }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('open', 'close', 'goodbye', 'wait', 'answer'), name }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('say'),
      name,
      status: fc.constantFrom('idle', 'working', 'reviewing', 'blocked', 'waiting', 'offline'),
      task: fc.constantFrom(undefined, 'x', 'y'),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('claim', 'release'), name, task }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart') }) },
);
/** Seconds until an agent is idle and until it is offline: either may come first. */
const times = fc.constantFrom<[number, number]>([5, 12], [12, 5]);
type Step = { do: string; name?: string; seconds?: number; status?: string; task?: string | undefined };

/** The product in memory, with a clock of its own. */
class Server {
  now = START;
  journal = new MemoryJournal({ automatic: true });
  store = new MemoryStore();
  #kernel: Kernel | undefined;
  #ends = new Map<string, ((goodbye?: boolean) => void)[]>();
  #acts = 0;
  readonly #settings: { PRESENCE_IDLE_SECONDS: number; PRESENCE_OFFLINE_SECONDS: number };

  constructor(idle: number, offline: number) {
    this.#settings = { PRESENCE_IDLE_SECONDS: idle, PRESENCE_OFFLINE_SECONDS: offline };
  }

  get kernel(): Kernel {
    return this.#kernel as Kernel;
  }

  async start(): Promise<void> {
    this.#kernel = await Kernel.open({
      journal: this.journal,
      store: this.store,
      capabilities: [agents, channels, tasks, presence],
      world: { clock: () => this.now, random: (n) => String(++this.#acts).padStart(n, '0') },
      settings: this.#settings,
      onFault: (error) => {
        throw error;
      },
    });
  }

  async restart(): Promise<void> {
    await this.kernel.close();
    this.journal = new MemoryJournal({ automatic: true, records: this.journal.records });
    this.store = this.store.copy();
    this.#ends.clear();
    await this.start();
  }

  call(operation: string, input: Record<string, unknown>): Promise<{ value: Json }> {
    return this.kernel.call(operation, input, {}) as Promise<{ value: Json }>;
  }

  act(agent: string): Promise<unknown> {
    return this.call('channels.create', { id: 'c', name: `name ${++this.#acts}`, from: agent });
  }

  begin(key: string, end: (goodbye?: boolean) => void): void {
    this.#ends.set(key, [...(this.#ends.get(key) ?? []), end]);
  }

  /** False where there is nothing to end. */
  end(key: string, goodbye = false): boolean {
    const end = this.#ends.get(key)?.shift();
    end?.(goodbye);
    return end !== undefined;
  }
}

/** Does a step on both. */
async function take(server: Server, model: Model, { do: what, name = '', ...step }: Step): Promise<void> {
  // The timer would do this within a millisecond.
  await server.call('presence.list', {});
  const { sightings } = server.kernel;
  switch (what) {
    case 'pass':
      server.now += (step.seconds as number) * 1_000;
      return model.pass(step.seconds as number);
    case 'act':
      await server.act(name);
      return model.act(name);
    case 'beat':
      await server.call('presence.heartbeat', { agent: name });
      return model.sign(name);
    case 'say':
      await server.call('presence.declare', { agent: name, status: step.status, task: step.task });
      return model.say(name, step.status as string, step.task);
    case 'open':
      server.begin(`stream ${name}`, sightings.opened(name));
      return model.open(name);
    case 'close':
    case 'goodbye':
      if (server.end(`stream ${name}`, what === 'goodbye')) model.close(name, what === 'goodbye');
      return;
    case 'wait':
      server.begin(`wait ${name}`, sightings.waits(name));
      return model.wait(name);
    case 'answer':
      if (server.end(`wait ${name}`)) model.answer(name);
      return;
    case 'claim':
    case 'release': {
      const id = await taskNamed(server, step.task as string);
      const holder = model.holder(id);
      if (what === 'claim' ? holder !== undefined : holder !== name) return;
      const ttl = what === 'claim' ? { ttl: LEASE } : {};
      await server.call(`tasks.${what}`, { id, agent: name, ...ttl });
      return model[what as 'claim' | 'release'](id, name);
    }
    case 'restart':
      await server.restart();
      return model.restart((Math.min(server.now, server.journal.lastAt) - START) / 1_000);
  }
}

async function taskNamed(server: Server, title: string): Promise<string> {
  const { value } = await server.call('tasks.list', {});
  const found = value.tasks.find((each: Json) => each.title === title);
  if (found !== undefined) {
    // A task whose claims lapsed too often waits for somebody to look at it.
    if (found.status === 'blocked') await server.call('tasks.update', { id: found.id, status: 'todo' });
    return found.id;
  }
  return (await server.call('tasks.create', { title, createdBy: 'maker' })).value.task.id;
}

const shown = (each: Presence | undefined) => ({
  status: each?.status ?? 'offline',
  task: each?.task,
  declared: each?.declared ?? false,
});

test('for any course of evidence and time, presence is what looking at everybody each second would find', {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(times, fc.array(step, { minLength: 1, maxLength: 60, size: 'max' }), async (seconds, steps) => {
      const server = new Server(...seconds);
      await server.start();
      const model = new Model(...seconds);
      try {
        for (const each of steps as Step[]) {
          await take(server, model, each);
          const { presences } = (await server.call('presence.list', {})).value;
          for (const agent of NAMES) {
            const expected = { task: undefined, ...model.shown(agent) };
            const written = server.kernel.collection<Presence>('presences').get(agent);
            expect(shown(written), agent).toEqual(expected);
            expect(shown(presences.find((one: Presence) => one.agent === agent)), agent).toEqual(expected);
          }
        }
        // An event is a change, or a goodbye.
        for (const agent of NAMES) {
          const told = server.journal.records
            .filter(({ event }) => event.type === 'presence_updated' && event.subject === agent)
            .map(({ event }) => shown(event.data as unknown as Presence));
          const same = told.filter((each, i) => isDeepStrictEqual(each, told[i - 1]));
          expect(same.filter(({ status }) => status !== 'offline')).toEqual([]);
        }
      } finally {
        await server.kernel.close();
      }
    }),
    { numRuns: 150 },
  );
});
