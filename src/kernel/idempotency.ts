import { createHash } from 'node:crypto';
import type { CollectionSpec } from './capability.ts';
import { Refusal } from './errors.ts';

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

/** What makes two requests the same request. */
export function requestHash(op: string, input: unknown): string {
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
