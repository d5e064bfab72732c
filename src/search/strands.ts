import type { SearchFilter } from '../kernel/search.ts';
import type { Database } from '../store/sqlite.ts';
import { placeWord } from './place.ts';
import type { Term } from './query.ts';
import { BLOCK, type Kind, wordsTable } from './rows-schema.ts';

/** Where rows of a kind are looked for: a table of words, what each row must say of its place, and which rows it may be. */
export interface Strand {
  table: string;
  place: string;
  /** `[lowest, highest]`, the newest first. */
  ranges: readonly (readonly [number, number])[];
}

/** A word or phrase as the table is asked for it. It holds nothing but letters, digits and spaces. */
function quote(words: readonly string[]): string {
  return `"${words.join(' ')}"`;
}

/** What is asked of the table for a term: every row that has it, and for the beginning of a phrase's last word some that do not. */
export function expressionOf({ words, longer }: Pick<Term, 'words'> & { longer: ReadonlySet<string> }): string {
  if (longer.size === 0) return quote(words);
  const ends = [words.at(-1) as string, ...longer].map((word) => quote([word])).join(' OR ');
  return words.length === 1 ? `(${ends})` : `(${quote(words.slice(0, -1))} AND (${ends}))`;
}

/** What everybody may find, and what this agent alone may. */
export function readable(kind: Kind, agent: string | undefined): Strand[] {
  const everything: Strand['ranges'] = [[0, Number.MAX_SAFE_INTEGER]];
  const open = { table: wordsTable(kind, false), place: '', ranges: everything };
  if (agent === undefined) return [open];
  return [open, { table: wordsTable(kind, true), place: quotePlace('reader', agent), ranges: everything }];
}

function quotePlace(...place: Parameters<typeof placeWord>): string {
  return `"${placeWord(...place)}"`;
}

/** The same, narrowed to what a filter allows; times are narrowed to rows among which they are. */
export function narrowed(
  database: Database,
  kind: Kind,
  strands: readonly Strand[],
  { from, to, channel, thread, tags, scope, since, before }: SearchFilter,
): Strand[] {
  const words: string[] = [];
  if (from !== undefined) words.push(quotePlace('from', from));
  if (to !== undefined) words.push(quotePlace('to', to));
  if (channel !== undefined) words.push(quotePlace('channel', channel));
  if (scope !== undefined) words.push(quotePlace('scope', scope));
  if (tags !== undefined && tags.length > 0) words.push(`(${tags.map((tag) => quotePlace('tag', tag)).join(' OR ')})`);
  const ranges = since === undefined && before === undefined ? undefined : rangesOf(database, kind, since, before);
  const narrow = ({ table, place, ranges: all }: Strand, more: readonly string[], only: Strand['ranges']): Strand => ({
    table,
    place: [place, ...words, ...more].filter(Boolean).join(' AND '),
    ranges: only ?? all,
  });
  return strands.flatMap((strand) => {
    if (thread === undefined) return [narrow(strand, [], ranges ?? strand.ranges)];
    const replies = narrow(strand, [quotePlace('thread', thread)], ranges ?? strand.ranges);
    const first = kind === 'messages' ? rowOf(database, thread) : undefined;
    return first === undefined ? [replies] : [replies, narrow(strand, [], [[first, first]])];
  });
}

/** The row of the message that a thread is about. */
function rowOf(database: Database, thread: string): number | undefined {
  const row = database.prepare('SELECT seq FROM messages WHERE id = ?').get(thread) as { seq: number } | undefined;
  return row?.seq;
}

/** Rows among which are all of a time: few runs, for what is written gets older with its row but for what is imported. */
function rangesOf(
  database: Database,
  kind: Kind,
  since = Number.MIN_SAFE_INTEGER,
  before = Number.MAX_SAFE_INTEGER,
): [number, number][] {
  const blocks = database
    .prepare('SELECT block FROM row_times WHERE kind = ? AND newest >= ? AND oldest < ? ORDER BY block DESC')
    .all(kind, since, before) as { block: number }[];
  const ranges: [number, number][] = [];
  for (const { block } of blocks) {
    const last = ranges.at(-1);
    const lowest = block * BLOCK;
    if (last && last[0] === lowest + BLOCK) last[0] = lowest;
    else ranges.push([lowest, lowest + BLOCK - 1]);
  }
  return ranges;
}

/** The newest `most` rows up to `top` that match, the newest first. */
export function newestRows(
  database: Database,
  strands: readonly Strand[],
  expression: string,
  top: number,
  most: number,
): number[] {
  const found = strands.map((strand) => rowsOf(database, strand, expression, top, most));
  if (found.length === 1) return found[0] as number[];
  return found
    .flat()
    .sort((a, b) => b - a)
    .slice(0, most);
}

function rowsOf(
  database: Database,
  { table, place, ranges }: Strand,
  expression: string,
  top: number,
  most: number,
): number[] {
  const rows: number[] = [];
  const statement = database.prepare(`SELECT json_group_array(row) AS rows FROM (${newestOf(table)})`);
  for (const [lowest, highest] of ranges) {
    if (rows.length >= most) break;
    if (lowest > top) continue;
    const found = statement.get(matchOf(place, expression), lowest, Math.min(highest, top), most - rows.length);
    // One text of numbers costs less than an object for each.
    for (const row of JSON.parse((found as { rows: string }).rows) as number[]) rows.push(row);
  }
  return rows;
}

/** How many of the rows `[lowest, highest]` match, `most` at most, and the oldest of these. */
export function countRows(
  database: Database,
  { table, place }: Strand,
  expression: string,
  [lowest, highest]: readonly [number, number],
  most: number,
): { n: number; oldest: number } {
  const statement = database.prepare(`SELECT count(*) AS n, min(row) AS oldest FROM (${newestOf(table)})`);
  const { n, oldest } = statement.get(matchOf(place, expression), lowest, highest, most) as {
    n: number;
    oldest: number | null;
  };
  return { n, oldest: oldest ?? highest };
}

function newestOf(table: string): string {
  return `SELECT rowid AS row FROM ${table} WHERE ${table} MATCH ? AND rowid BETWEEN ? AND ? ORDER BY rowid DESC LIMIT ?`;
}

function matchOf(place: string, expression: string): string {
  return place === '' ? expression : `${place} AND ${expression}`;
}
