import type { IndexView } from '../../src/kernel/capability.ts';
import type { Change } from '../../src/kernel/collection.ts';
import type { Store } from '../../src/kernel/store.ts';

/** An index in memory that has no SQL: for tests of what is decided and folded. */
export class MemoryStore implements Store {
  applied = 0;
  full = false;
  readonly entities = new Map<string, object>();
  #listener: (seq: number, changes: readonly Change[]) => void = () => {};

  onApplied(listener: (seq: number, changes: readonly Change[]) => void): void {
    this.#listener = listener;
  }

  /** The index as it is now, to be opened again later. */
  copy(): MemoryStore {
    const copy = new MemoryStore();
    for (const [id, entity] of this.entities) copy.entities.set(id, entity);
    copy.applied = this.applied;
    return copy;
  }

  *load(collection: string): Iterable<[string, object]> {
    const prefix = `${collection} `;
    for (const [id, entity] of this.entities)
      if (id.startsWith(prefix)) yield [id.slice(prefix.length), JSON.parse(JSON.stringify(entity))];
  }

  get(collection: string, id: string): object | undefined {
    return this.entities.get(`${collection} ${id}`);
  }

  write(seq: number, changes: readonly Change[]): void {
    for (const { collection, id, after } of changes) {
      if (after) this.entities.set(`${collection.name} ${id}`, after);
      else this.entities.delete(`${collection.name} ${id}`);
    }
    this.applied = seq;
    this.#listener(seq, changes);
  }

  async reached(): Promise<void> {}

  /** What a test says of its room: until when commands wait, or why they are refused. */
  room: () => Promise<void> = async () => {};

  view<R>(_: (view: IndexView) => R): R {
    throw new Error('there is no SQL here');
  }

  async scan<R>(): Promise<R[]> {
    throw new Error('there is no SQL here');
  }

  status() {
    return { driver: 'memory', applied: this.applied, backlog: 0, full: false, bytes: 0 };
  }

  async close(): Promise<void> {}
}
