import { createHash } from 'node:crypto';
import type { CollectionSpec } from './capability.ts';
import { Refusal } from './errors.ts';
import type { Encoded, Event, IdempotencyMark } from './event.ts';

/** A key that was used: for what, and which events came of it. */
export interface UsedKey {
  hash: string;
  op: string;
  seq: number;
  n: number;
}

/** Keys remembered: this many of the newest, which is more than a day of any human team. */
const KEYS = 200_000;

export const idempotencyKeys: CollectionSpec = { name: 'idempotency_keys', keep: 'history', columns: {}, newest: KEYS };

const KEY = /^[\x21-\x7e]{1,200}$/;

/** The id under which a key is remembered: keys of different agents never meet. */
export function keyId(actor: string, key: string): string {
  if (!KEY.test(key))
    throw new Refusal('invalid_idempotency_key', 'The Idempotency-Key is empty, too long or not printable ASCII.');
  return `${actor} ${key}`;
}

/** How a request with a key is remembered: under which id, and by which mark. Throws `invalid_idempotency_key`. */
export function markOf(op: string, input: unknown, actor: string, key: string): { id: string; mark: IdempotencyMark } {
  return { id: keyId(actor, key), mark: { key, hash: requestHash(op, input), op } };
}

/** What is remembered of a key: the events of the request that it came with, of which this is the first. */
export function usedBy({ seq, tx }: Event, { hash, op }: IdempotencyMark): UsedKey {
  return { hash, op, seq, n: tx?.n ?? 1 };
}

/** Throws `idempotency_key_reused` where the key came with another request. */
export function requireSame(used: Pick<UsedKey, 'hash' | 'op'>, { key, hash, op }: IdempotencyMark): void {
  if (used.hash === hash && used.op === op) return;
  throw new Refusal('idempotency_key_reused', `The key "${key}" was used for ${used.op} with other content.`);
}

/** What a command did outside is kept with its key up to this many bytes of JSON. */
const KEPT_BYTES = 64 * 1024;

/** The mark of a command that did something outside. */
export function keep(mark: IdempotencyMark, done: unknown): IdempotencyMark {
  return Buffer.byteLength(JSON.stringify(done)) > KEPT_BYTES ? mark : { ...mark, done };
}

/** What was done outside when the key came first. Throws `result_not_kept`. */
export function keptIn({ event, idem }: Encoded): unknown {
  if (idem !== undefined && 'done' in idem) return idem.done;
  throw new Refusal('result_not_kept', `It was done, and not again: event ${event.seq} is its record.`, {
    extra: { seq: event.seq },
  });
}

/** What makes two requests the same request. */
function requestHash(op: string, input: unknown): string {
  return createHash('sha256').update(op).update('\0').update(canonical(input)).digest('base64url').slice(0, 22);
}

/** JSON with the members of every object in one order. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, v: unknown) =>
    v !== null && typeof v === 'object' && !Array.isArray(v)
      ? Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1)))
      : v,
  );
}
