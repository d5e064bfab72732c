import { Order, type OrderKey, type OrderSpec } from './order.ts';

/** One change of one entity: enough to take it back and to store it. */
export interface Change {
  readonly collection: Collection<object>;
  readonly id: string;
  readonly before: object | undefined;
  readonly after: object | undefined;
}

/** Where collections note their changes while events are applied; the kernel empties it after each command. */
export interface ChangeLog {
  changes: Change[];
}

/** Takes changes back, newest first. */
export function rollBack(changes: readonly Change[]): void {
  for (let i = changes.length - 1; i >= 0; i--) {
    const change = changes[i] as Change;
    change.collection.restore(change.id, change.before);
  }
}

/**
 * Entities by id. Entities are immutable: a change puts a new object, so a reference that was taken stays true.
 * `apply` functions see this interface alone, in the server and in a browser.
 */
export interface Entities<T extends object> {
  get(id: string): T | undefined;
  put(id: string, entity: T): void;
  delete(id: string): void;
}

/** A collection that the kernel keeps: notes every change, can take a batch back. */
export abstract class Collection<T extends object> implements Entities<T> {
  readonly name: string;
  protected readonly log: ChangeLog;
  protected readonly entities = new Map<string, T>();

  constructor(name: string, log: ChangeLog) {
    this.name = name;
    this.log = log;
  }

  abstract get(id: string): T | undefined;
  /** Called when `id` with this value is in the index. */
  abstract indexed(id: string, entity: T | undefined): void;

  put(id: string, entity: T): void {
    this.#note(id, entity);
    this.set(id, entity);
  }

  delete(id: string): void {
    this.#note(id, undefined);
    this.set(id, undefined);
  }

  /** Puts back what was there before a change; notes nothing. */
  restore(id: string, before: object | undefined): void {
    this.set(id, before as T | undefined);
  }

  /** The one place where memory changes. */
  protected set(id: string, entity: T | undefined): void {
    if (entity === undefined) this.entities.delete(id);
    else this.entities.set(id, entity);
  }

  #note(id: string, after: T | undefined): void {
    const collection = this as unknown as Collection<object>;
    this.log.changes.push({ collection, id, before: this.entities.get(id), after });
  }
}

/** A collection that is wholly in memory: channels, agents, tasks. */
export class LiveCollection<T extends object> extends Collection<T> {
  readonly #orders: readonly Order<T>[];
  readonly #byName: ReadonlyMap<string, Order<T>>;

  constructor(name: string, log: ChangeLog, orders: Readonly<Record<string, OrderSpec<never>>> = {}) {
    super(name, log);
    this.#byName = new Map(Object.entries(orders).map(([order, spec]) => [order, new Order(spec as OrderSpec<T>)]));
    this.#orders = [...this.#byName.values()];
  }

  get(id: string): T | undefined {
    return this.entities.get(id);
  }

  values(): IterableIterator<T> {
    return this.entities.values();
  }

  get size(): number {
    return this.entities.size;
  }

  /** How many entities stand in a group of a declared order. */
  count(order: string, group: string): number {
    return this.#order(order).size(group);
  }

  /** The groups of a declared order in which entities stand. */
  groups(order: string): IterableIterator<string> {
    return this.#order(order).groups();
  }

  /**
   * The entities of a group, or of several that have none in common, in their order, from the first or from the first
   * at or after a key. Change nothing while reading.
   */
  *inOrder(order: string, groups: string | readonly string[], from?: OrderKey): Generator<T, void> {
    for (const id of this.#order(order).ids(typeof groups === 'string' ? [groups] : groups, from))
      yield this.entities.get(id) as T;
  }

  /** The first entity of a group. */
  first(order: string, group: string): T | undefined {
    const id = this.#order(order).first(group);
    return id === undefined ? undefined : this.entities.get(id);
  }

  /** Puts what the index held at start; notes no change. */
  load(id: string, entity: T): void {
    this.set(id, entity);
  }

  indexed(): void {}

  #order(name: string): Order<T> {
    const order = this.#byName.get(name);
    if (order === undefined) throw new Error(`${this.name} has no order ${name}`);
    return order;
  }

  protected override set(id: string, entity: T | undefined): void {
    if (this.#orders.length > 0) {
      const before = this.entities.get(id);
      for (const order of this.#orders) order.change(before, entity);
    }
    super.set(id, entity);
  }
}

/** Entities that stay in memory after they are in the index, because the newest are asked for most. */
const KEPT = 2_000;

/** A collection whose history is in the index: memory holds what the index has not yet, and the newest few. */
export class HistoryCollection<T extends object> extends Collection<T> {
  readonly #read: (id: string) => T | undefined;
  readonly #kept: ([string, T] | undefined)[] = new Array(KEPT);
  #next = 0;

  constructor(name: string, log: ChangeLog, read: (id: string) => T | undefined) {
    super(name, log);
    this.#read = read;
  }

  get(id: string): T | undefined {
    return this.entities.get(id) ?? this.#read(id);
  }

  indexed(id: string, entity: T | undefined): void {
    if (entity === undefined) return;
    const evicted = this.#kept[this.#next];
    this.#kept[this.#next] = [id, entity];
    this.#next = (this.#next + 1) % KEPT;
    if (evicted && this.entities.get(evicted[0]) === evicted[1]) this.entities.delete(evicted[0]);
  }
}
