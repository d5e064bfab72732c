import type { Database } from '../store/sqlite.ts';
import type { Term, Words } from './query.ts';
import { idfOf, type WeighedTerm } from './scoring.ts';
import { countRows, expressionOf, type Strand } from './strands.ts';

/** Words of the vocabulary that are looked through for those that begin like a term. */
const LOOKED_THROUGH = 5_000;
/** Words that a beginning stands for at most, beside itself. */
const LONGER = 40;
/** Of the rows with a term no more are counted: how rare it is is told by how far back these reach. */
const COUNTED = 250;

/** The shortest words that begin so, out of the first of the vocabulary, that this agent may know. */
export function longerWords(database: Database, word: string, agent: string | undefined): string[] {
  const statement = database.prepare(
    'SELECT word FROM vocabulary WHERE reader = ? AND word > ? AND word < ? ORDER BY word LIMIT ?',
  );
  const readers = agent === undefined ? [''] : ['', agent];
  const words = new Set<string>();
  for (const reader of readers) {
    const found = statement.all(reader, word, `${word}\u{10ffff}`, LOOKED_THROUGH) as { word: string }[];
    for (const { word } of found) words.add(word);
  }
  return [...words].sort((a, b) => a.length - b.length || (a < b ? -1 : 1)).slice(0, LONGER);
}

/** What the table is asked for: all of the terms or any of them, and none of what is excluded. */
export function matchOf(terms: readonly WeighedTerm[], excluded: readonly Term[], every: boolean): string {
  const wanted = terms.map(expressionOf).join(every ? ' AND ' : ' OR ');
  if (excluded.length === 0) return `(${wanted})`;
  const unwanted = excluded.map(({ words }) => expressionOf({ words, longer: new Set() })).join(' OR ');
  return `((${wanted}) NOT (${unwanted}))`;
}

/** Where terms are counted: what the agent may find of a kind, up to a row. */
export interface Counted {
  strands: readonly Strand[];
  ceiling: number;
}

/** A way to ask, with what its terms say. */
export interface WeighedWords extends Omit<Words, 'terms'> {
  terms: readonly WeighedTerm[];
}

/** The terms with the words that they stand for, and with what they say among all that the agent may find of all kinds. */
export function weigh(
  database: Database,
  words: Words,
  kinds: readonly Counted[],
  agent: string | undefined,
): WeighedWords {
  const terms = words.terms.map((term) => {
    const last = term.words.at(-1) as string;
    const longer = new Set(term.begins ? longerWords(database, last, agent) : []);
    const expression = expressionOf({ ...term, longer });
    let [has, rows] = [0, 0];
    for (const kind of kinds) {
      const { n, reach } = countIn(database, kind, expression);
      has += n;
      rows += reach;
    }
    return { ...term, longer, idf: idfOf(has, Math.max(has, rows)) };
  });
  return { ...words, terms };
}

/** How many of the `reach` newest rows have a term. */
function countIn(database: Database, { strands, ceiling }: Counted, expression: string): { n: number; reach: number } {
  const [open, ...own] = strands as [Strand, ...Strand[]];
  const { n, oldest } = countRows(database, open, expression, [1, ceiling], COUNTED);
  const lowest = n < COUNTED ? 1 : oldest;
  const more = own.map((strand) => countRows(database, strand, expression, [lowest, ceiling], COUNTED).n);
  return { n: more.reduce((sum, each) => sum + each, n), reach: ceiling - lowest + 1 };
}
