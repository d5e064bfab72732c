import type { Feed } from './feed/feed.ts';
import type { Journal, JournalStatus } from './journal/journal.ts';
import type { Search } from './search.ts';
import type { Store, StoreStatus } from './store.ts';

/** How the parts of a node are: what `/health` tells. */
export interface Health {
  journal: JournalStatus & { id: string; epoch: string; head: number; durable: number };
  index: StoreStatus;
  search?: { error: string };
  feed: { subscribers: Record<string, number>; ringBytes: number };
  /** What capabilities tell of themselves. */
  parts: Record<string, unknown>;
}

/** Asks the parts. */
export function healthOf(
  journal: Journal,
  store: Store,
  feed: Feed,
  search: Search | undefined,
  parts: Record<string, unknown>,
): Health {
  const { id, epoch, head, durable } = journal;
  return {
    journal: { ...journal.status(), id, epoch, head, durable },
    index: store.status(),
    ...(search?.error !== undefined && { search: { error: search.error } }),
    feed: { subscribers: Object.fromEntries(feed.subscribers), ringBytes: feed.ringBytes },
    parts,
  };
}
