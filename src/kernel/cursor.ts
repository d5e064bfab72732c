import { customAlphabet } from 'nanoid';
import { Refusal } from './errors.ts';

/** A new epoch, in Crockford's base32 in lower case: no letter that looks like a digit. */
export const newEpoch = customAlphabet('0123456789abcdefghjkmnpqrstvwxyz', 8);

/** A place in the one order: after event `seq` of the journal's `epoch`. */
export interface Cursor {
  epoch: string;
  seq: number;
}

const CURSOR = /^(?:([0-9a-z]{4,16})-)?(\d{1,15})$/;

/** `<epoch>-<seq>`, opaque to clients. */
export function formatCursor(epoch: string, seq: number): string {
  return `${epoch}-${seq}`;
}

/** Reads a cursor or a bare seq, which means the current epoch. Throws `invalid_cursor`. */
export function parseCursor(text: string, epoch: string): Cursor {
  const match = CURSOR.exec(text);
  if (!match) throw new Refusal('invalid_cursor', `"${text.slice(0, 64)}" is not a cursor.`);
  return { epoch: match[1] ?? epoch, seq: Number(match[2]) };
}

/** The event that a list's cursor stands at. Throws `cursor_gone`. */
export function placeOf(
  cursor: string | undefined,
  { epoch, feed: { head } }: { epoch: string; feed: { head: number } },
): number | undefined {
  if (cursor === undefined) return undefined;
  const place = parseCursor(cursor, epoch);
  if (place.epoch !== epoch) throw new Refusal('cursor_gone', 'The cursor belongs to another epoch of the journal.');
  // A cursor of an epoch that is this one, and of an event that is not there: of a journal that was longer.
  if (place.seq > head) throw new Refusal('cursor_gone', 'The cursor is ahead of the journal.');
  return place.seq;
}
