import type { IndexView } from './capability.ts';
import type { Change } from './collection.ts';

export interface StoreStatus {
  driver: string;
  /** Seq up to which the index holds everything. */
  applied: number;
  /** Events that wait for the index. */
  backlog: number;
  /** So much waits that commands do too, or are refused. */
  full: boolean;
  /** Why the index cannot be written or read, where it cannot. */
  error?: string;
  bytes: number;
}

/** The derived index as the kernel uses it: written behind the journal, read for what is not in memory. */
export interface Store {
  /** Seq up to which the index holds everything. */
  readonly applied: number;
  /** Called when the index holds more. */
  onApplied(listener: (seq: number, changes: readonly Change[]) => void): void;
  /** Every entity of a collection that is kept in memory. */
  load(collection: string): Iterable<[id: string, entity: object]>;
  /** One entity of a history collection. Throws Refusal `index_unavailable` where the index cannot be read. */
  get(collection: string, id: string): object | undefined;
  /** Stores what durable events of so many bytes changed, as of `seq`. Returns at once; calls must be in order. */
  write(seq: number, changes: readonly Change[], bytes: number): void;
  /** So much waits for the index, in memory, that nothing should be added to it. */
  readonly full: boolean;
  /** Fulfilled when the index is not full. Rejected with Refusal `index_unavailable` where it cannot be written. */
  room(): Promise<void>;
  /** Fulfilled when the index holds `seq`. Rejected with Refusal `index_unavailable` where it cannot. */
  reached(seq: number): Promise<void>;
  /** Runs `read` on one consistent view. Throws Refusal `index_unavailable` where the index cannot be read. */
  view<R>(read: (view: IndexView) => R): R;
  /** Runs one statement on a thread of its own. */
  scan<R>(sql: string, params: readonly (string | number | null)[]): Promise<R[]>;
  status(): StoreStatus;
  close(): Promise<void>;
}
