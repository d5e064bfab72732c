import { expect } from 'vitest';
import { mayRead } from '../../src/capabilities/channels/state.ts';
import { type CollectionName, FOLDS } from '../../src/client/folds.ts';
import { Held } from '../../src/client/held.ts';
import type { ReadersOf } from '../../src/kernel/capability.ts';
import type { Event } from '../../src/kernel/event.ts';
import type { Json } from './node.ts';

/** Entities by id, by collection, as JSON has them. */
export type Shown = Record<string, Record<string, Json>>;

/** True where the agent may see the entity in a list. */
function isShown(collection: string, entity: Json, agent: string | undefined): boolean {
  if (collection === 'channels') return mayRead(entity.id, agent);
  if (collection === 'messages') return mayRead(entity.channel, agent);
  if (collection === 'memories') return entity.scope === 'team' || entity.agent === agent;
  return true;
}

/** What an agent may see of a state. */
export function shownTo(state: Shown, agent: string | undefined): Shown {
  return Object.fromEntries(
    Object.entries(state).map(([name, entities]) => [
      name,
      Object.fromEntries(Object.entries(entities).filter(([, entity]) => isShown(name, entity, agent))),
    ]),
  );
}

/** A snapshot holds what lives, and no notes of the server's own. */
function isInSnapshot(collection: string, entity: Json): boolean {
  if (collection === 'messages') return entity.deletedAt === undefined && entity.from !== 'system';
  if (collection === 'memories') return entity.deletedAt === undefined && entity.supersededBy === undefined;
  return true;
}

/** Whoever did something first that the reader may not see is, to the reader, there since what it may. */
export function withoutHidden(agents: Record<string, Json>, hidden: ReadonlySet<string>): Record<string, Json> {
  return Object.fromEntries(
    Object.entries(agents).flatMap(([name, { firstSeen, seq, ...rest }]) => {
      if (!hidden.has(name)) return [[name, { firstSeen, seq, ...rest }]];
      // Of others it is not known whether they are there at all.
      return Object.keys(rest).length === 1 ? [] : [[name, rest]];
    }),
  );
}

/** Claims that what a replica holds is what the server has, as far as the agent may see it. */
export function expectSame(held: Shown, server: Shown, hidden: ReadonlySet<string>): void {
  for (const [name, entities] of Object.entries(held)) {
    const all = server[name] ?? {};
    if (name === 'agents') expect(withoutHidden(entities, hidden)).toEqual(withoutHidden(all, hidden));
    else if (!FOLDS.find(({ keeps }) => keeps === name)?.window) expect({ [name]: entities }).toEqual({ [name]: all });
    else {
      // A window: what it holds is as it is, and of what lives nothing is missing.
      for (const [id, entity] of Object.entries(entities)) expect({ id, entity }).toEqual({ id, entity: all[id] });
      const living = Object.keys(all).filter((id) => isInSnapshot(name, all[id]));
      expect(living.filter((id) => entities[id] === undefined)).toEqual([]);
    }
  }
}

/** What a replica holds, as JSON has it. */
export function entitiesOf(collections: Iterable<readonly [string, ReadonlyMap<string, object>]>): Shown {
  const held = [...collections].map(([name, entities]) => [name, Object.fromEntries(entities)] as const);
  return JSON.parse(JSON.stringify(Object.fromEntries(held)));
}

/** Claims that a replica that saw the state before some events, and folds them, has the state after them. */
export function expectFolded(
  { before, after, past, made }: { before: Shown; after: Shown; past: readonly Event[]; made: readonly Event[] },
  readersOf: ReadersOf,
): void {
  const names = FOLDS.map(({ keeps }) => keeps).filter((name) => name in before) as CollectionName[];
  for (const agent of [undefined, 'kai', made[0]?.actor]) {
    const sees = (event: Event) => readersOf(event)?.includes(agent ?? '') ?? true;
    const held = new Held(names, 10_000);
    const shown = shownTo(before, agent);
    const snapshot = names.map((name) => [
      name,
      Object.values(shown[name] ?? {}).filter((entity) => isInSnapshot(name, entity)),
    ]);
    held.load(JSON.parse(JSON.stringify(Object.fromEntries(snapshot))));
    for (const event of made.filter(sees)) held.apply(JSON.parse(JSON.stringify(event)));
    const hidden = new Set([...past, ...made].filter((event) => !sees(event)).map(({ actor }) => actor));
    const collections = [...held.collections].map(([name, { map }]) => [name, map] as const);
    expectSame(entitiesOf(collections), shownTo(after, agent), hidden);
  }
}
