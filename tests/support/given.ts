import { expect } from 'vitest';
import type { Capability, Command, IndexView, Query, QueryContext } from '../../src/kernel/capability.ts';
import { LiveCollection } from '../../src/kernel/collection.ts';
import { type ErrorCode, Refusal } from '../../src/kernel/errors.ts';
import type { Draft, Event } from '../../src/kernel/event.ts';
import { SYSTEM } from '../../src/kernel/names.ts';
import { Table } from '../../src/kernel/table.ts';
import { validate } from '../../src/kernel/validate.ts';
import { createStatements, planOf } from '../../src/store/schema.ts';
import { openDatabase } from '../../src/store/sqlite.ts';
import { type Evidence, type Seen, sightingsOf } from './evidence.ts';
import type { Json } from './node.ts';
import { expectFolded, type Shown } from './replicas.ts';

/** Something that happened, as a test says it. */
export interface Past extends Draft {
  at?: number;
}

/** The time of the first event of a scene: milliseconds since 1970. */
export const T0 = 1_000_000;

/** What was decided: exactly one of events and refusal. */
export interface Decision {
  /** Claims that these events and no others were decided; answers the scene after them. */
  then(...events: Draft[]): Scene;
  /** Claims that nothing had to change. */
  thenNothing(): Scene;
  thenRefused(code: ErrorCode, error?: string): Scene;
  /** What was decided, where a test looks closer. */
  events: readonly Draft[];
  /** What the caller is told. */
  answer: Json;
  /** The scene after it. */
  after: Scene;
}

/** Capabilities in memory, without kernel and disk, after some events. */
export interface Scene {
  events: readonly Event[];
  /** An entity of a collection, as JSON has it. */
  entity(collection: string, id: string): Json;
  all(collection: string): Json[];
  /** A command's decision; `actor` is the agent that the caller named. */
  when(operation: string | Command, input: Record<string, unknown>, actor?: string): Decision;
  /** A query's answer, which has the declared shape; `beside` is what the scene itself has not. */
  asks(
    operation: string,
    input: Record<string, unknown>,
    agent?: string,
    beside?: Partial<QueryContext<never>>,
  ): Promise<Json>;
  /** The same scene, this many milliseconds later. */
  later(ms: number): Scene;
  /** The same scene, once something was seen of an agent. */
  sees(agent: string, ...seen: Seen[]): Scene;
  /** The same scene, once the server was stopped and started. */
  restarted(): Scene;
  /** What the server does by itself now. */
  whenDue(): Decision;
  /** The agents, out of these, to whom the last event is addressed. */
  concerned(...agents: string[]): string[];
}

/** A collection of either kind, all of it in memory. */
class Entities extends LiveCollection<object> {
  ids(): IterableIterator<string> {
    return this.entities.keys();
  }
}

/** Sets a scene for these capabilities. */
export function given(capabilities: readonly Capability[], ...past: Past[]): Scene {
  const events: Event[] = [];
  for (const { at, actor = 'anonymous', ...draft } of past) {
    events.push({ seq: events.length + 1, at: at ?? (events.at(-1)?.at ?? T0 - 1) + 1, actor, ...draft });
  }
  return sceneOf(capabilities, events, 0, []);
}

function sceneOf(
  capabilities: readonly Capability[],
  events: readonly Event[],
  notBefore: number,
  evidence: readonly Evidence[],
): Scene {
  const specs = capabilities.flatMap((c) => c.collections);
  const state = Object.fromEntries(
    specs.map((spec) => [
      spec.name,
      new Entities(spec.name, { changes: [] }, spec.keep === 'memory' ? spec.orders : undefined),
    ]),
  );
  const table = new Table(capabilities, state);
  for (const event of events) table.apply(event);
  const now = Math.max((events.at(-1)?.at ?? T0 - 1) + 1, notBefore);
  const { operations } = table;
  const next = events.length + 1;
  const momentOf = (seen: readonly Evidence[]) => ({
    state: state as never,
    wall: now,
    settings: {},
    began: 0,
    sightings: sightingsOf(seen),
  });
  const index = async <R>(read: (view: IndexView) => R) => readIndex(capabilities, state, events.length, read);

  function decide(operation: Command, input: Record<string, unknown>, actor: string | undefined) {
    const valid = validate(operation, input, { agent: actor === SYSTEM ? undefined : actor });
    const by = actor === SYSTEM ? SYSTEM : (valid.agent ?? 'anonymous');
    let ids = 0;
    const id = (prefix: string) => `${prefix}-${now}-${ids++ === 0 ? 'x' : ids}xxxxxxxx`;
    const named = valid.agent;
    const sign: Evidence[] = named === undefined ? [] : [{ at: now, seq: next, agent: named, seen: 'seen' }];
    const seen = [...evidence, ...sign];
    const context = { ...momentOf(seen), actor: by, now, seq: next, ahead: [], id };
    const drafts = operation.decide(valid.input, context, undefined);
    const made = drafts.map((draft, i): Event => ({ seq: next + i, at: now + i, actor: by, ...draft }));
    const acted = drafts.length === 0 ? [] : sign.map((each): Evidence => ({ ...each, seen: 'acted' }));
    return { drafts, made, valid: valid.input, seen: [...seen, ...acted] };
  }

  const scene: Scene = {
    events,
    entity: (collection, id) => json(state[collection]?.get(id)),
    all: (collection) => [...(state[collection]?.values() ?? [])].map(json),
    when(named, input, actor) {
      const operation = typeof named === 'string' ? operations.get(named) : named;
      if (operation?.kind !== 'command') throw new Error(`${String(named)} is no command`);
      let decided: ReturnType<typeof decide> | Refusal;
      try {
        decided = decide(operation, input, actor);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        decided = error;
      }
      return decisionOf(operation, decided);
    },
    async asks(name, input, agent, beside = {}) {
      const operation = operations.get(name);
      if (operation?.kind !== 'query') throw new Error(`${name} is no query`);
      const valid = validate(operation, input, { agent });
      const context = {
        ...momentOf(evidence),
        state,
        agent: valid.agent,
        now,
        head: events.length,
        epoch: 'test',
        feed: { head: events.length } as never,
        index,
        scan: (sql, ...params) => index((view) => view.all(sql, ...params)),
        operations,
        ...beside,
      } satisfies Partial<QueryContext<unknown>>;
      return shaped(operation, await operation.run(valid.input, context as never));
    },
    later: (ms) => sceneOf(capabilities, events, now + ms, evidence),
    sees: (agent, ...seen) =>
      sceneOf(capabilities, events, now, [
        ...evidence,
        ...seen.map((each) => ({ at: now, seq: next, agent, seen: each })),
      ]),
    restarted() {
      const times = { started: now, record: events.at(-1)?.at ?? 0 };
      const known = capabilities.flatMap((c) => [...(c.watch?.recall(state as never, times) ?? [])]);
      const recalled = known.map(([agent, seen]) => ({ at: now, seq: next, agent, seen }));
      return sceneOf(capabilities, events, now, recalled);
    },
    whenDue() {
      const due = capabilities.find((c) => (c.due?.at(state as never) ?? Number.POSITIVE_INFINITY) <= now)?.due;
      if (due !== undefined) return scene.when(due.command, {}, SYSTEM);
      const watch = capabilities.find((c) => overdue(c).length > 0);
      if (watch?.watch === undefined) throw new Error('nothing is due');
      return scene.when(watch.watch.command, { agents: overdue(watch) }, SYSTEM);
    },
    concerned(...agents) {
      const event = events.at(-1) as Event;
      return agents.filter((agent) => capabilities.some((c) => c.concerns?.(event, agent, state as never)));
    },
  };

  /** Agents of whom what is written down is not true. */
  function overdue({ watch }: Capability): string[] {
    if (watch === undefined) return [];
    const agents = [
      ...evidence.map(({ agent }) => agent),
      ...events.flatMap((event) => [event.actor, ...watch.touches(event)]),
    ];
    return [...new Set(agents)].filter((agent) => (watch.until(agent, momentOf(evidence)) ?? now + 1) <= now);
  }

  function decisionOf(operation: Command, decided: ReturnType<typeof decide> | Refusal): Decision {
    if (decided instanceof Refusal) {
      const fail = (): never => {
        throw decided;
      };
      return {
        // biome-ignore lint/suspicious/noThenProperty: given, when, then; nobody awaits a decision
        then: fail,
        thenNothing: fail,
        thenRefused(code, error) {
          expect(decided.code).toBe(code);
          if (error !== undefined) expect(decided.options.error).toBe(error);
          return scene;
        },
        get events() {
          return fail();
        },
        get answer() {
          return fail();
        },
        after: scene,
      };
    }
    const { drafts, made, valid, seen } = decided;
    const after = sceneOf(capabilities, [...events, ...made], now, seen);
    // Whatever a test does, a replica follows.
    if (made.length > 0 && events.length < MOST_FOLDED)
      expectFolded(
        { before: shownOf(state), after: shownOf(collectionsOf(after)), past: events, made },
        table.readersOf,
      );
    return {
      // biome-ignore lint/suspicious/noThenProperty: given, when, then; nobody awaits a decision
      then(...expected) {
        expect(drafts).toEqual(expected);
        return after;
      },
      thenNothing() {
        expect(drafts).toEqual([]);
        return scene;
      },
      thenRefused(code) {
        throw new Error(`not refused with ${code}: ${JSON.stringify(drafts)}`);
      },
      events: drafts,
      get answer() {
        return shaped(
          operation,
          operation.answer(made, collectionsOf(after), valid, undefined, {
            ...momentOf(seen),
            state: collectionsOf(after) as never,
          }),
        );
      },
      after,
    };
  }

  STATES.set(scene, state);
  return scene;
}

/** Events of a scene after which replicas of it would cost more than they tell. */
const MOST_FOLDED = 300;

function shownOf(state: Record<string, Entities>): Shown {
  return Object.fromEntries(
    Object.entries(state).map(([name, entities]) => [
      name,
      Object.fromEntries([...entities.ids()].map((id) => [id, json(entities.get(id))])),
    ]),
  );
}

const STATES = new WeakMap<Scene, Record<string, Entities>>();

function collectionsOf(scene: Scene): Record<string, Entities> {
  return STATES.get(scene) as Record<string, Entities>;
}

/** An answer as JSON, once it is known to have the declared shape. */
function shaped(operation: Command | Query, value: unknown): Json {
  operation.output.parse(value);
  return json(value);
}

function json(value: unknown): Json {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}

/** The index as it would be, in memory. */
function readIndex<R>(
  capabilities: readonly Capability[],
  state: Record<string, Entities>,
  seq: number,
  read: (view: IndexView) => R,
): R {
  const specs = capabilities.flatMap((c) => c.collections);
  const database = openDatabase(':memory:');
  try {
    database.exec(createStatements(specs));
    for (const spec of specs) {
      const put = database.prepare(
        spec.keep === 'history'
          ? planOf(spec).upsert
          : `INSERT INTO entity (collection, id, doc) VALUES ('${spec.name}', ?1, ?2)`,
      );
      const collection = state[spec.name] as Entities;
      for (const id of collection.ids()) put.run(id, JSON.stringify(collection.get(id)));
    }
    return read({
      seq,
      all: <T>(sql: string, ...params: (string | number | null)[]) => database.prepare(sql).all(...params) as T[],
    });
  } finally {
    database.close();
  }
}
