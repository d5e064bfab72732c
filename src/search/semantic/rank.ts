import type { SearchHit, SearchKind, SearchMode, SearchRequest } from '../../kernel/search.ts';
import type { Term, Words } from '../query.ts';
import { firstOf, type Order } from './best.ts';
import { type Doc, type Documents, mayRead, passes } from './documents.ts';
import { coverage, fused, matcher, type Weights, weigh } from './fusion.ts';
import type { VectorSet } from './vector-set.ts';

/** A message that the word index found: one that the agent may read and that passes the filter. */
export interface Candidate {
  row: number;
  id: string;
  at: number;
  /** The share of the query that its words are. */
  coverage: number;
}

/** A query with the vector of what it means. */
export type Asked = Words & { vector: Float32Array | undefined };

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
  request: Omit<SearchRequest, 'after'> & { mode: Exclude<SearchMode, 'lexical'> };
  /** The last one of the page before. */
  after: Position | undefined;
  /** Found by the word index. */
  messages: readonly Candidate[];
}

/** By what hits stand in order. */
export type Position = Pick<Ranked, 'score' | 'at' | 'kind' | 'row'>;

/** Terms of a query that are looked at: a bit each. */
const MOST_TERMS = 32;
/** Those that meaning alone would put so far ahead are found by meaning. */
const NEAR = 10;
/** How many of the best are put in the order of time where the newest are asked for. */
const BEST = 100;

/** A page of what takes part, by its score or, of the best, by its time. */
export function rank({ docs, set, asked, request, after, messages }: Ranking): { hits: Ranked[]; more: boolean } {
  const table = new Table(docs, request, messages);
  for (const query of asked) table.score(query, set, request.mode);
  const { scores, cosines, covered, count } = table;
  const near = firstOf(
    count,
    Math.max(NEAR, request.limit),
    (a, b) => (cosines[b] as number) - (cosines[a] as number),
    (i) => (cosines[i] as number) > 0,
  );
  const cut = cosines[near.at(-1) ?? -1] ?? Number.POSITIVE_INFINITY;
  const at = (i: number): Position => ({ ...table.is(i), score: scores[i] as number });
  const rowsFirst: Order = (a, b) => table.at(b) - table.at(a) || table.row(b) - table.row(a);
  const best: Order = (a, b) => (scores[b] as number) - (scores[a] as number) || rowsFirst(a, b);
  const scored = (i: number) => (scores[i] as number) > 0;
  const later = (i: number) => after === undefined || compare(at(i), after, request.sort) > 0;
  const found =
    request.sort === 'newest'
      ? firstOf(count, BEST, best, scored).sort(rowsFirst).filter(later)
      : firstOf(count, request.limit + 1, best, (i) => scored(i) && later(i));
  const hits = found.slice(0, request.limit).map((i) => {
    const meant = (cosines[i] as number) >= cut;
    const matched =
      (covered[i] as number) === 0 ? ('meaning' as const) : meant ? ('both' as const) : ('words' as const);
    return { ...table.is(i), score: scores[i] as number, matched };
  });
  return { hits, more: found.length > hits.length };
}

function compare(a: Position, b: Position, sort: SearchRequest['sort']): number {
  return (sort === 'newest' ? 0 : b.score - a.score) || b.at - a.at || b.row - a.row;
}

/** What takes part, in columns: there may be many, and few of them are shown. */
class Table {
  readonly #things: (Doc | (Candidate & { kind: 'messages' }))[] = [];
  readonly #texts: (Uint32Array | undefined)[] = [];
  readonly #slots: number[] = [];
  readonly #docs: Documents;
  /** Where messages begin: the word index knows their words. */
  readonly #messages: number;
  /** The best score, and the cosine and the coverage that made it. */
  readonly scores: Float64Array;
  readonly cosines: Float64Array;
  readonly covered: Float64Array;

  constructor(docs: Documents, request: Ranking['request'], messages: readonly Candidate[]) {
    this.#docs = docs;
    for (const kind of request.in) {
      if (kind === 'messages') continue;
      for (const doc of docs.of(kind))
        if (mayRead(doc, request.agent) && passes(doc, request.filter)) this.#add(doc, doc.slot, doc.words);
    }
    this.#messages = this.count;
    if (request.in.includes('messages')) this.#addMessages(request, messages);
    this.scores = new Float64Array(this.count);
    this.cosines = new Float64Array(this.count);
    this.covered = new Float64Array(this.count);
  }

  get count(): number {
    return this.#things.length;
  }

  is(i: number): Omit<Ranked, 'score' | 'matched'> {
    const { kind, row, id, at } = this.#things[i] as Doc;
    return { kind: i >= this.#messages ? 'messages' : kind, row, id, at };
  }

  at(i: number): number {
    return (this.#things[i] as Doc).at;
  }

  row(i: number): number {
    return (this.#things[i] as Doc).row;
  }

  #add(thing: Doc | (Candidate & { kind: 'messages' }), slot: number, text: Uint32Array | undefined): void {
    this.#things.push(thing);
    this.#slots.push(slot);
    this.#texts.push(text);
  }

  #addMessages(request: Ranking['request'], messages: readonly Candidate[]): void {
    const docs = this.#docs;
    // A decision is a message too, but is shown once.
    const shown = (row: number) => request.in.includes('decisions') && docs.get('decisions', row) !== undefined;
    const known = new Set<number>();
    const embedded = docs.count('messages') > 0;
    for (const candidate of messages) {
      known.add(candidate.row);
      if (shown(candidate.row)) continue;
      const doc = embedded ? (docs.get('messages', candidate.row) ?? docs.get('decisions', candidate.row)) : undefined;
      this.#add({ ...candidate, kind: 'messages' }, doc?.slot ?? -1, undefined);
    }
    if (!embedded) return;
    for (const kind of ['messages', 'decisions'] as const)
      for (const doc of docs.of(kind)) {
        if (doc.slot === -1 || known.has(doc.row) || (kind === 'decisions' && shown(doc.row))) continue;
        if (mayRead(doc, request.agent) && passes(doc, request.filter)) this.#add(doc, doc.slot, undefined);
      }
  }

  /** Gives each the score that a query gives it, where that is better. */
  score(query: Asked, set: VectorSet, mode: 'semantic' | 'hybrid'): void {
    // A mask has 32 bits.
    const terms = query.terms.slice(0, MOST_TERMS);
    const found = this.#find(terms);
    const weights = weigh(terms, this.#messages, found.having);
    const excluded = query.excluded.length > 0 ? this.#find(query.excluded.slice(0, MOST_TERMS)).masks : undefined;
    const strict = weights.required !== 0 || excluded !== undefined;
    const shares = new Map<number, number>();
    for (let i = 0; i < this.count; i++) {
      const thing = this.#things[i] as Doc | Candidate;
      const mask = found.masks[i] as number;
      let share = 'coverage' in thing ? thing.coverage : shares.get(mask);
      if (share === undefined) shares.set(mask, (share = coverage(weights, mask)));
      // What the word index found has what must be there; of other messages that is not known.
      if (strict && !('coverage' in thing) && (i >= this.#messages || excluded?.[i] || !hasAll(mask, weights)))
        continue;
      const slot = this.#slots[i] as number;
      if (mode === 'semantic' && slot === -1) continue;
      const cosine = slot === -1 || query.vector === undefined ? 0 : set.cosine(query.vector, slot);
      const score = mode === 'semantic' ? cosine : fused(cosine, weights, share);
      if (score <= (this.scores[i] as number)) continue;
      this.scores[i] = score;
      this.cosines[i] = cosine;
      this.covered[i] = share;
    }
  }

  /** Which terms each has, and how many have each. */
  #find(terms: readonly Term[]): { masks: Uint32Array; having: number[] } {
    const masks = new Uint32Array(this.count);
    const having = terms.map(() => 0);
    const match = matcher(this.#docs.words, terms);
    for (let i = 0; i < this.#messages; i++) {
      let left = match(this.#texts[i] as Uint32Array);
      masks[i] = left;
      for (; left !== 0; left &= left - 1) {
        const term = 31 - Math.clz32(left & -left);
        having[term] = (having[term] as number) + 1;
      }
    }
    return { masks, having };
  }
}

function hasAll(mask: number, { required }: Weights): boolean {
  return ((mask & required) ^ required) === 0;
}
