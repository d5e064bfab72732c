import { Refusal } from './errors.ts';

const CURSOR = /^([0-9a-z]{4,16})-(.+)$/;

/** How a caller says where a search goes on: `next` is what the answer before it said. */
export function formatSearchCursor(epoch: string, next: string): string {
  return `${epoch}-${next}`;
}

/** Where a search goes on. Throws `invalid_cursor`, or `cursor_gone` where the journal is another one now. */
export function parseSearchCursor(cursor: string | undefined, epoch: string): string | undefined {
  if (cursor === undefined) return undefined;
  const [, of, after] = CURSOR.exec(cursor) ?? [];
  if (after === undefined) throw new Refusal('invalid_cursor', `"${cursor.slice(0, 64)}" is no cursor of a search.`);
  if (of !== epoch) throw new Refusal('cursor_gone', 'The cursor belongs to another epoch of the journal.');
  return after;
}
