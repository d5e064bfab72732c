import type { CollectionSpec } from './capability.ts';
import { type ChangeLog, type Collection, HistoryCollection, LiveCollection } from './collection.ts';
import type { Store } from './store.ts';

/** The declared collections by name, with the entities that the index holds of those in memory. */
export function createCollections(
  specs: readonly CollectionSpec[],
  log: ChangeLog,
  store: Store,
): Map<string, Collection<object>> {
  return new Map(specs.map((spec) => [spec.name, createCollection(spec, log, store)]));
}

/** One of them. */
export function createCollection(spec: CollectionSpec, log: ChangeLog, store: Store): Collection<object> {
  if (spec.keep === 'history') return new HistoryCollection(spec.name, log, (id) => store.get(spec.name, id));
  const collection = new LiveCollection(spec.name, log, spec.orders);
  for (const [id, entity] of store.load(spec.name)) collection.load(id, entity);
  return collection;
}
