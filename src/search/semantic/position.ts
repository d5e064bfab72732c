import { Refusal } from '../../kernel/errors.ts';
import type { SearchKind } from '../../kernel/search.ts';
import type { Position } from './rank.ts';

const TEXT = /^near\.([0-9a-f]{16})\.(\d{1,16})\.(messages|tasks|memory|decisions)\.(\d{1,16})$/;

/** Where a search by meaning goes on: after a hit with this score, time and row. `near.<score>.<at>.<kind>.<row>` */
export function formatPosition({ score, at, kind, row }: Position): string {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(score);
  return `near.${bytes.toString('hex')}.${at}.${kind}.${row}`;
}

/** True where it is the position of a search by meaning, and not of one by words. */
export function isPosition(text: string): boolean {
  return text.startsWith('near.');
}

/** Throws `invalid_cursor`. */
export function parsePosition(text: string): Position {
  const [, score, at, kind, row] = TEXT.exec(text) ?? [];
  if (score === undefined) throw new Refusal('invalid_cursor', `"${text.slice(0, 64)}" is no cursor of a search.`);
  const value = Buffer.from(score, 'hex').readDoubleBE();
  return { score: value, at: Number(at), kind: kind as SearchKind, row: Number(row) };
}
