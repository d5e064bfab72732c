import type { DocumentSource } from '../kernel/document.ts';
import type { SearchFilter, SearchKind } from '../kernel/search.ts';
import type { Database } from '../store/sqlite.ts';
import { type Candidate, isInTime, type Reader } from './candidates.ts';
import { coverageOf, createCounter, scoreOf, type WeighedTerm } from './scoring.ts';
import { narrowed, newestRows, readable, type Strand } from './strands.ts';
import { matchOf, type WeighedWords } from './terms.ts';

/** Rows that are ranked together: the newest that match, and then the newest before those. */
export const WINDOW = 1_000;
/** Rows that are read by one statement. */
export const READ_AT_ONCE = 250;
/** Hits that are read again, to be shown, by one statement. */
const SHOWN_AT_ONCE = 25;
/** Characters of text after which no more is read for a window. */
export const WINDOW_TEXT = 2_000_000;
/** Rows with any of the words that each of the words brings at least, where no text has all. */
const ANY_OF = 100;

/** Where a stream of hits stands: before hit `offset` of the window that begins at row `top`. */
export interface Position {
  top: number;
  offset: number;
}

/** Something that was found by its words. */
export interface WordHit extends Candidate {
  kind: SearchKind;
  score: number;
  /** The share of the terms that it has, a rare one counting more: from 0 to 1. */
  coverage: number;
  /** The terms that it was found by. */
  terms: readonly WeighedTerm[];
}

export interface StreamRequest {
  agent: string | undefined;
  filter: SearchFilter;
  sort: 'relevance' | 'newest';
  /** Hits that are asked for. */
  limit: number;
  /** Every term is in each text; otherwise any of them, and then there is one window alone. */
  every: boolean;
}

/** The hits of one source in order, as they are asked for. */
export interface Stream {
  /** The next hit, without taking it. */
  peek(): WordHit | undefined;
  take(): void;
  /** Where it stands; undefined where it is over. */
  position(): Position | undefined;
}

export interface StreamSource {
  database: Database;
  source: DocumentSource;
  reader: Reader;
}

/** A hit before it is shown: a window has many, a page few. */
interface Ranked {
  row: number;
  score: number;
  coverage: number;
  terms: readonly WeighedTerm[];
}

/** A way to ask: terms with their weight, and how to look for them. */
interface Asked {
  terms: readonly WeighedTerm[];
  count: ReturnType<typeof createCounter>;
  /** The rows of the window that begins at a row, the newest first. */
  rows(top: number, most: number): number[];
}

/** Hits for each of several ways to ask, the best score of each counting; of several ways there is one window alone. */
export function openStream(
  { database, source, reader }: StreamSource,
  ways: readonly WeighedWords[],
  { agent, filter, sort, limit, every }: StreamRequest,
  from: Position,
): Stream {
  const narrow = narrowed(database, source.kind, readable(source.kind, agent), filter);
  const asked = ways.map((words) => ask(database, words, narrow, every));
  const single = asked.length !== 1 || !every;
  // In order of time no more is read than is asked for.
  const size = sort === 'newest' && !single ? Math.min(limit + 1, WINDOW) : WINDOW;
  let [top, offset] = [from.top, from.offset];
  let hits: Ranked[] | undefined;
  let nextTop: number | undefined;
  let shown = new Map<number, WordHit>();

  /** Ranks the window that begins at `top`. */
  function load(): Ranked[] {
    const found = new Map<number, Ranked>();
    nextTop = undefined;
    for (const way of asked) {
      const rows = way.rows(top, size);
      const read = readWindow(way, rows);
      const last = rows[read.looked - 1];
      if (!single && last !== undefined && (read.looked < rows.length || rows.length === size)) nextTop = last - 1;
      for (const hit of read.hits) if (hit.score > (found.get(hit.row)?.score ?? -1)) found.set(hit.row, hit);
    }
    return [...found.values()].sort((a, b) => (sort === 'newest' ? 0 : b.score - a.score) || b.row - a.row);
  }

  function readWindow({ terms, count }: Asked, rows: readonly number[]): { hits: Ranked[]; looked: number } {
    const hits: Ranked[] = [];
    let [looked, characters] = [0, 0];
    while (looked < rows.length && characters < WINDOW_TEXT) {
      const some = rows.slice(looked, looked + READ_AT_ONCE);
      looked += some.length;
      for (const { row, document } of reader.read(some, agent)) {
        const { text } = document;
        characters += text.length;
        if (!isInTime(document, filter)) continue;
        const occurrences = count(text);
        // A row may have the words of a phrase apart.
        const has = every ? !occurrences.counts.includes(0) : occurrences.counts.some((n) => n > 0);
        if (!has) continue;
        const [score, coverage] = [scoreOf(occurrences, terms), coverageOf(occurrences, terms)];
        hits.push({ row, score, coverage, terms });
      }
    }
    return { hits, looked };
  }

  /** Goes on to the window in which the next hit is. */
  function here(): readonly Ranked[] {
    for (;;) {
      hits ??= load();
      if (offset < hits.length || nextTop === undefined) return hits;
      [top, offset, hits] = [nextTop, 0, undefined];
    }
  }

  function show(some: readonly Ranked[]): Map<number, WordHit> {
    const byRow = new Map(some.map((hit) => [hit.row, hit]));
    const candidates = reader.read([...byRow.keys()], agent);
    return new Map(
      candidates.map((candidate) => {
        const hit = byRow.get(candidate.row) as Ranked;
        return [candidate.row, { ...candidate, ...hit, kind: source.kind }];
      }),
    );
  }

  return {
    peek() {
      const next = here()[offset];
      if (next === undefined) return undefined;
      if (!shown.has(next.row)) shown = show(here().slice(offset, offset + Math.min(limit, SHOWN_AT_ONCE)));
      return shown.get(next.row);
    },
    take() {
      offset++;
    },
    position() {
      const { length } = here();
      return offset < length ? { top, offset } : undefined;
    },
  };
}

function ask(database: Database, { terms, excluded }: WeighedWords, narrow: readonly Strand[], every: boolean): Asked {
  const count = createCounter(terms);
  const rowsOf = (some: readonly WeighedTerm[], top: number, most: number) =>
    newestRows(database, narrow, matchOf(some, excluded, every), top, most);
  return {
    terms,
    count,
    rows(top, most) {
      if (terms.length === 0) return [];
      if (every) return rowsOf(terms, top, most);
      // The newest of each word: a common one does not crowd out a rare one.
      const share = Math.max(ANY_OF, Math.floor(WINDOW / terms.length));
      const rows = new Set(terms.flatMap((term) => rowsOf([term], top, share)));
      return [...rows].sort((a, b) => b - a);
    },
  };
}
