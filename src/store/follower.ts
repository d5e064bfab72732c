import type { Database } from './sqlite.ts';

/** Entities of a collection side by side with their ids, each once. No entity: it is gone. */
export interface ChangedGroup {
  collection: string;
  ids: readonly string[];
  docs: readonly (object | undefined)[];
}

/** Keeps rows of its own beside the entities, in the same transactions: they can be made again from the entities. */
export interface Follower {
  /** Called before the entities of the group are written, so that the old ones can still be read. */
  change(group: ChangedGroup, seq: number): void;
  /** Makes all of its rows anew out of the entities, some in each step; each step is a transaction. Tells how much is done. */
  remake(): Iterator<RemakeProgress>;
  /** The transaction was taken back: what is remembered of it is not true. */
  rolledBack(): void;
}

/** Rows that were looked at, and how many there are, about. */
export interface RemakeProgress {
  done: number;
  total: number;
}

/** How a follower gets to the thread that writes. */
export interface FollowerPlan {
  /** The statements that make its tables: a part of the layout of the index. */
  schema: string;
  /** The address of a module that exports `follow`: {@link Follow}. */
  module: string;
  /** What `follow` is given: structured-cloneable. */
  data: unknown;
}

export type Follow = (database: Database, data: never) => Promise<Follower>;
