import type { Operation } from './capability.ts';
import { formatTag } from './etag.ts';

/** What a door gets for a call. */
export interface Outcome {
  value: unknown;
  /** The last event of a command; for a query the newest event that it saw. */
  seq: number;
  /** The entity tag of what the answer shows, where it has one. */
  etag?: string;
  /** Who asked, where it said its name. */
  agent?: string;
  /** The answer is that of an earlier request with the same idempotency key. */
  replayed?: true;
}

/** An answer with the tag of what it shows. */
export function outcomeOf(operation: Operation, value: unknown, seq: number): Outcome {
  const tag = operation.etag?.of(value as never);
  return tag === undefined ? { value, seq } : { value, seq, etag: formatTag(tag) };
}
