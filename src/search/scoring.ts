import type { Term } from './query.ts';
import { forEachToken, wantedOf } from './tokens.ts';

/** How soon another occurrence of a word adds little (BM25's k1). */
const K1 = 1.2;
/** How much of its length a long text pays for (BM25's b). */
const B = 0.75;
/** Words of a text of ordinary length: a constant, so that a score does not depend on what else was found. */
const ORDINARY = 32;
/** A word that only begins like what was asked for counts less than the word itself. */
const BEGUN = 0.5;

/** A term with what it stands for here. */
export interface WeighedTerm extends Term {
  /** Words that its last word begins, without that word itself; none where it is no beginning. */
  longer: ReadonlySet<string>;
  /** What an occurrence says: more for a rare term. */
  idf: number;
}

/** How rare a term is: `n` of `rows` rows have it. */
export function idfOf(n: number, rows: number): number {
  return Math.log(1 + (rows - n + 0.5) / (n + 0.5));
}

/** How often each term is in a text, and how many words the text has. */
export interface Occurrences {
  /** By term, in their order. */
  counts: number[];
  length: number;
}

/** Counts terms in texts: "a a" is twice in "a a a". */
export function createCounter(terms: readonly Pick<WeighedTerm, 'words' | 'longer'>[]) {
  // What each word ends: a text is mostly of words that end nothing.
  const ends = new Map<string, { term: number; words: readonly string[]; weight: number }[]>();
  for (const [term, { words, longer }] of terms.entries()) {
    for (const word of [words.at(-1) as string, ...longer]) {
      const uses = ends.get(word) ?? [];
      ends.set(word, [...uses, { term, words, weight: longer.has(word) ? BEGUN : 1 }]);
    }
  }
  const phrases = terms.some(({ words }) => words.length > 1);
  const wanted = wantedOf(terms.flatMap(({ words, longer }) => [...words, ...longer]));
  return (text: string): Occurrences => {
    const counts = new Array<number>(terms.length).fill(0);
    const recent: string[] = [];
    let length = 0;
    const tell = (word: string) => {
      length++;
      if (phrases) recent.push(word);
      if (word === '') return;
      const uses = ends.get(word);
      if (uses === undefined) return;
      for (const { term, words, weight } of uses)
        if (words.length === 1 || precedes(words, recent)) counts[term] = (counts[term] as number) + weight;
    };
    forEachToken(text, tell, wanted);
    return { counts, length };
  };
}

/** True where all but the last word of a phrase stand before the newest word. */
function precedes(words: readonly string[], recent: readonly string[]): boolean {
  const begin = recent.length - words.length;
  if (begin < 0) return false;
  for (let i = 0; i < words.length - 1; i++) if (recent[begin + i] !== words[i]) return false;
  return true;
}

/** What a text is worth: BM25 over the terms that it has. */
export function scoreOf({ counts, length }: Occurrences, terms: readonly WeighedTerm[]): number {
  const norm = K1 * (1 - B + (B * length) / ORDINARY);
  let score = 0;
  for (const [i, { idf }] of terms.entries()) {
    const count = counts[i] as number;
    if (count > 0) score += (idf * count * (K1 + 1)) / (count + norm);
  }
  return score;
}

/** The share of the terms that a text has, a rare one counting more: from 0 to 1. */
export function coverageOf({ counts }: Pick<Occurrences, 'counts'>, terms: readonly WeighedTerm[]): number {
  let [has, all] = [0, 0];
  for (const [i, { idf }] of terms.entries()) {
    all += idf;
    if ((counts[i] as number) > 0) has += idf;
  }
  return all === 0 ? 0 : has / all;
}
