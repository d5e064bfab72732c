import type { SearchHit, SearchKind, SearchMode, SearchRequest } from '../../kernel/search.ts';
import { type Doc, type Documents, mayRead, passes } from './documents.ts';
import { coverage, fused, matcher, weigh } from './fusion.ts';
import { type Query, type Term, wordsOf } from './query.ts';
import type { VectorSet } from './vector-set.ts';
import { Words } from './words.ts';

/** A message that the word index found: one that the agent may read and that passes the filter. */
export interface Candidate {
  row: number;
  id: string;
  at: number;
  text: string;
}

/** A query with the vector of what it means. */
export type Asked = Query & { vector: Float32Array | undefined };

export interface Ranked {
  kind: SearchKind;
  row: number;
  id: string;
  at: number;
  score: number;
  matched: SearchHit['matched'];
}

export interface Ranking {
  docs: Documents;
  /** The vectors that answer. */
  set: VectorSet;
  asked: readonly Asked[];
  request: SearchRequest & { mode: Exclude<SearchMode, 'lexical'> };
  /** Found by the word index, best first. */
  messages: readonly Candidate[];
}

/** What takes part. */
interface Entry {
  kind: SearchKind;
  row: number;
  id: string;
  at: number;
  words: Uint32Array | undefined;
  slot: number;
  score: number;
  cosine: number;
  covered: number;
}

/** Those that meaning alone would put so far ahead are found by meaning. */
const NEAR = 10;
/** How many of the best are put in the order of time where the newest are asked for. */
const BEST = 100;
const OUT = Number.NEGATIVE_INFINITY;

/** Everything that takes part by its score, best first. */
export function rank({ docs, set, asked, request, messages }: Ranking): Ranked[] {
  const [entries, own] = entriesOf(docs, request, messages);
  for (const query of asked) {
    const bySource = [
      { words: docs.words, of: entries.filter(({ kind }) => kind !== 'messages') },
      { words: own, of: entries.filter(({ kind }) => kind === 'messages') },
    ];
    score(query, bySource, set, request.mode);
  }
  const cut = nearest(entries, Math.max(NEAR, request.limit));
  const ranked = entries
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score || b.at - a.at || b.row - a.row)
    .map(({ kind, row, id, at, score, cosine, covered }) => {
      const matched = covered === 0 ? ('meaning' as const) : cosine >= cut ? ('both' as const) : ('words' as const);
      return { kind, row, id, at, score, matched };
    });
  return request.sort === 'newest' ? ranked.slice(0, BEST).sort((a, b) => b.at - a.at || b.row - a.row) : ranked;
}

/** What takes part, and the words of messages, which the documents do not know. */
function entriesOf(docs: Documents, request: SearchRequest, messages: readonly Candidate[]): [Entry[], Words] {
  const entries: Entry[] = [];
  const own = new Words();
  const add = (kind: SearchKind, { row, id, at }: Pick<Doc, 'row' | 'id' | 'at'>, slot: number, words?: Uint32Array) =>
    entries.push({ kind, row, id, at, words, slot, score: OUT, cosine: 0, covered: 0 });
  for (const kind of request.in) {
    if (kind === 'messages') continue;
    for (const doc of docs.of(kind))
      if (mayRead(doc, request.agent) && passes(doc, request.filter)) add(kind, doc, doc.slot, doc.words);
  }
  if (!request.in.includes('messages')) return [entries, own];
  // A decision is a message too, but is shown once.
  const shown = (row: number) => request.in.includes('decisions') && docs.get('decisions', row) !== undefined;
  const known = new Set<number>();
  const embedded = docs.count('messages') > 0;
  for (const candidate of messages) {
    known.add(candidate.row);
    if (shown(candidate.row)) continue;
    const doc = embedded ? (docs.get('messages', candidate.row) ?? docs.get('decisions', candidate.row)) : undefined;
    add('messages', candidate, doc?.slot ?? -1, own.take(wordsOf(candidate.text)));
  }
  if (!embedded) return [entries, own];
  for (const kind of ['messages', 'decisions'] as const)
    for (const doc of docs.of(kind)) {
      if (doc.slot === -1 || known.has(doc.row) || (kind === 'decisions' && shown(doc.row))) continue;
      if (mayRead(doc, request.agent) && passes(doc, request.filter)) add('messages', doc, doc.slot);
    }
  return [entries, own];
}

/** Gives each entry the best score that a query gives it. */
function score(
  query: Asked,
  sources: readonly { words: Words; of: readonly Entry[] }[],
  set: VectorSet,
  mode: 'semantic' | 'hybrid',
): void {
  const found = sources.map(({ words, of }) => findIn(words, of, query.terms));
  const excluded = sources.map(({ words, of }) => findIn(words, of, query.excluded).masks);
  const having = query.terms.map((_, i) => found.reduce((sum, { having }) => sum + (having[i] as number), 0));
  const documents = sources.reduce((sum, { of }) => sum + of.length, 0);
  const weights = weigh(query.terms, documents, having);
  const strict = weights.required !== 0 || query.excluded.length > 0;
  for (const [s, { of }] of sources.entries()) {
    const masks = (found[s] as { masks: Uint32Array }).masks;
    for (let i = 0; i < of.length; i++) {
      const entry = of[i] as Entry;
      const mask = masks[i] as number;
      if (strict) {
        // What is not in the word index's answer is not known to have what must be there.
        if (entry.words === undefined || excluded[s]?.[i] !== 0) continue;
        if ((mask & weights.required) >>> 0 !== weights.required >>> 0) continue;
      }
      const cosine = entry.slot === -1 || query.vector === undefined ? 0 : set.cosine(query.vector, entry.slot);
      if (mode === 'semantic' && entry.slot === -1) continue;
      const covered = coverage(weights, mask);
      const value = mode === 'semantic' ? cosine : fused(cosine, weights, covered);
      if (value > entry.score) Object.assign(entry, { score: value, cosine, covered });
    }
  }
}

function findIn(
  words: Words,
  entries: readonly Entry[],
  terms: readonly Term[],
): { masks: Uint32Array; having: number[] } {
  const masks = new Uint32Array(entries.length);
  const having = terms.map(() => 0);
  if (terms.length === 0) return { masks, having };
  const match = matcher(words, terms);
  for (let i = 0; i < entries.length; i++) {
    const text = entries[i]?.words;
    const mask = text === undefined ? 0 : match(text);
    masks[i] = mask;
    for (let left = mask; left !== 0; left &= left - 1) {
      const bit = 31 - Math.clz32(left & -left);
      having[bit] = (having[bit] as number) + 1;
    }
  }
  return { masks, having };
}

/** The cosine of the n-th nearest. */
function nearest(entries: readonly Entry[], n: number): number {
  const cosines = Float64Array.from(
    entries.filter(({ slot }) => slot !== -1),
    ({ cosine }) => cosine,
  ).sort();
  return Math.max(cosines.at(-n) ?? cosines[0] ?? Number.POSITIVE_INFINITY, Number.MIN_VALUE);
}
