import { z } from 'zod';
import { flag, wholeNumber } from './names.ts';

/** A list answer holds at most this many bytes of items as JSON, and says how to go on. */
export const LIST_BYTES = 1024 * 1024;

/** What every list takes. A limit over the maximum means the maximum. */
export function listInput(defaultLimit: number, maxLimit: number) {
  return {
    limit: wholeNumber(1, Number.MAX_SAFE_INTEGER)
      .transform((n) => Math.min(n, maxLimit))
      .default(defaultLimit)
      .describe(`Items at most: ${defaultLimit} unless said, never more than ${maxLimit}.`),
    cursor: z.string().max(64).optional().describe('Goes on where an earlier answer with `more` ended: its `cursor`.'),
    fields: z.string().max(512).optional().describe('Only these fields of each item, comma-separated.'),
    compact: flag.optional().describe('1: short items: long text cut, empty and rarely needed fields left out.'),
  };
}

/** What every list answers beside its items. */
export const listOutput = {
  more: z.boolean().optional().meta({ description: 'True where there are more; ask again with `cursor`.' }),
  cursor: z.string().optional(),
};

/** Takes rows from the front until the byte cap; at least one where there is one. */
export function capBytes<T>(
  rows: Iterable<T>,
  sizeOf: (row: T) => number,
  bytes = LIST_BYTES,
): { taken: T[]; cut: boolean } {
  const taken: T[] = [];
  let total = 0;
  for (const row of rows) {
    total += sizeOf(row);
    if (taken.length > 0 && total > bytes) return { taken, cut: true };
    taken.push(row);
  }
  return { taken, cut: false };
}

/** Leaves each item the asked fields only. */
export function pick<T extends object>(items: readonly T[], fields: string | undefined): T[] {
  if (fields === undefined || fields.trim() === '') return [...items];
  const names = new Set(fields.split(',').map((name) => name.trim()));
  return items.map((item) => Object.fromEntries(Object.entries(item).filter(([name]) => names.has(name))) as T);
}

/** Cuts text at a length without splitting a character in two. */
export function shorten(text: string, length: number): string {
  if (text.length <= length) return text;
  const cut = text.slice(0, length);
  return `${/[\uD800-\uDBFF]$/.test(cut) ? cut.slice(0, -1) : cut}…`;
}
