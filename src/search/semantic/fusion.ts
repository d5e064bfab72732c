import type { Term } from '../query.ts';
import { idfOf } from '../scoring.ts';
import type { Words } from './words.ts';

/** What the words of a document say of a query: terms found as bits, in the order of the query. */
export type Found = number;

/** Finds terms in rows of numbers. */
export function matcher(words: Words, terms: readonly Term[]): (text: Uint32Array) => Found {
  const wanted = terms.map((term) => {
    const last = term.words.at(-1) as string;
    const head = term.words.slice(0, -1).map((word) => words.of(word) ?? 0);
    const ends = term.begins ? words.beginning(last) : [words.of(last) ?? 0];
    // No text has the number 0.
    return { head, ends: new Set(ends.filter((id) => id !== 0)) };
  });
  // By the word that ends a term: which terms may end there.
  const endings = new Map<number, number[]>();
  // Most words of a text end no term, which must cost next to nothing.
  const ends = new Uint8Array(words.last + 1);
  for (const [i, term] of wanted.entries())
    for (const id of term.ends) {
      endings.set(id, [...(endings.get(id) ?? []), i]);
      ends[id] = 1;
    }
  if (endings.size === 0) return () => 0;
  return (text) => {
    let found = 0;
    for (let at = 0; at < text.length; at++) {
      const word = text[at] as number;
      if (ends[word] === 0) continue;
      for (const i of endings.get(word) as number[]) {
        const { head } = wanted[i] as { head: number[] };
        const from = at - head.length;
        if (from >= 0 && head.every((id, k) => text[from + k] === id)) found |= 1 << i;
      }
    }
    return found;
  };
}

/** How a query's terms weigh. */
export interface Weights {
  /** Of each term; they sum up to 1. */
  shares: readonly number[];
  /** Of coverage against meaning: 0.3 where all is common words, 0.8 where all is identifiers. */
  words: number;
  required: Found;
}

/** The weights of terms that so many of the documents have each. */
export function weigh(terms: readonly Term[], documents: number, having: readonly number[]): Weights {
  const each = terms.map((_, i) => idfOf(having[i] ?? 0, documents));
  const all = each.reduce((sum, weight) => sum + weight, 0);
  const shares = each.map((weight) => (all === 0 ? 0 : weight / all));
  const exact = terms.reduce((sum, term, i) => sum + (term.isName || term.quoted ? (shares[i] as number) : 0), 0);
  const required = terms.reduce((bits, term, i) => (term.quoted ? bits | (1 << i) : bits), 0);
  return { shares, words: 0.3 + 0.5 * exact, required };
}

/** The part of the query that was found, by weight: 0 to 1. */
export function coverage({ shares }: Weights, found: Found): number {
  let sum = 0;
  for (let i = 0; i < shares.length; i++) if (found & (1 << i)) sum += shares[i] as number;
  return sum;
}

/**
 * Meaning and words in one figure. Plain rank fusion lets a keyword ranking that always returns something push away
 * what means the same; here words count by how much of the query they are.
 */
export function fused(cosine: number, { words }: Weights, covered: number): number {
  return cosine + words * covered * covered;
}
