import type { Entities } from '../kernel/collection.ts';
import type { Event } from '../kernel/event.ts';
import { type CollectionName, FOLDS, NOWHERE } from './folds.ts';

/** What changed: ids by collection. */
export type Changed = ReadonlyMap<CollectionName, ReadonlySet<string>>;

/** One collection in memory; of a window the oldest give way to the newest. */
class HeldEntities implements Entities<object> {
  readonly map = new Map<string, object>();
  changed = new Set<string>();
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  get(id: string): object | undefined {
    return this.map.get(id);
  }

  put(id: string, entity: object): void {
    this.changed.add(id);
    this.map.set(id, entity);
    if (this.map.size <= this.#most) return;
    const [oldest] = this.map.keys();
    if (oldest === undefined) return;
    this.map.delete(oldest);
    this.changed.add(oldest);
  }

  delete(id: string): void {
    this.changed.add(id);
    this.map.delete(id);
  }
}

/** The state of a server, as far as snapshots and events tell it. */
export class Held {
  readonly collections = new Map<CollectionName, HeldEntities>();
  readonly #folds: typeof FOLDS;
  readonly #inner: HeldEntities[] = [];
  readonly #state: never;

  /** `window`: messages, and memories, at most. */
  constructor(names: readonly CollectionName[] | undefined, window: number) {
    this.#folds = FOLDS.filter(({ keeps }) => names === undefined || names.includes(keeps));
    const state: Record<string, HeldEntities> = {};
    for (const { keeps, inner = [], window: isWindow } of this.#folds) {
      this.collections.set(keeps, (state[keeps] = new HeldEntities(isWindow ? window : Number.POSITIVE_INFINITY)));
      for (const name of inner) this.#inner.push((state[name] = new HeldEntities(Number.POSITIVE_INFINITY)));
    }
    this.#state = new Proxy(state, { get: (held, name) => held[name as string] ?? NOWHERE }) as never;
  }

  /** Begins anew with a snapshot. */
  load(snapshot: Readonly<Record<string, unknown>>): void {
    for (const { map } of [...this.#inner, ...this.collections.values()]) map.clear();
    for (const { keeps, id, restore, window } of this.#folds) {
      const given = snapshot[keeps];
      const entities = (Array.isArray(given) ? given : []) as Record<string, unknown>[];
      // What is oldest is to go first.
      if (window) entities.sort((a, b) => Number(a.seq) - Number(b.seq));
      for (const entity of entities) {
        this.collections.get(keeps)?.put(String(entity[id]), entity);
        restore?.(this.#state, entity as never);
      }
    }
    this.takeChanged();
  }

  apply(event: Event): void {
    for (const { apply } of this.#folds) apply(this.#state, event);
  }

  /** What changed since it was asked last. */
  takeChanged(): Changed {
    const changed = new Map<CollectionName, ReadonlySet<string>>();
    for (const [name, entities] of this.collections) {
      if (entities.changed.size === 0) continue;
      changed.set(name, entities.changed);
      entities.changed = new Set();
    }
    for (const inner of this.#inner) inner.changed.clear();
    return changed;
  }
}
