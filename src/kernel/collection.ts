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
    this.entities.set(id, entity);
  }

  delete(id: string): void {
    this.#note(id, undefined);
    this.entities.delete(id);
  }

  /** Puts back what was there before a change; notes nothing. */
  restore(id: string, before: object | undefined): void {
    if (before === undefined) this.entities.delete(id);
    else this.entities.set(id, before as T);
  }

  #note(id: string, after: T | undefined): void {
    const collection = this as unknown as Collection<object>;
    this.log.changes.push({ collection, id, before: this.entities.get(id), after });
  }
}

/** A collection that is wholly in memory: channels, agents, settings. */
export class LiveCollection<T extends object> extends Collection<T> {
  get(id: string): T | undefined {
    return this.entities.get(id);
  }

  values(): IterableIterator<T> {
    return this.entities.values();
  }

  get size(): number {
    return this.entities.size;
  }

  /** Puts what the index held at start; notes no change. */
  load(id: string, entity: T): void {
    this.entities.set(id, entity);
  }

  indexed(): void {}
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
