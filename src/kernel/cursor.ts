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
