import type { SearchFilter } from '../../src/kernel/search.ts';
import { tokensOf } from '../../src/search/tokens.ts';

/** A text that is searched, as the oracle knows it: each version of it that ever was. */
export interface Told {
  kind: 'messages' | 'tasks';
  row: number;
  id: string;
  /** The last is what it says now; none: it is gone. */
  texts: string[];
  gone: boolean;
  at: number;
  readers?: string[];
  from: string;
  channel?: string;
}

export interface Asking {
  typed: string;
  agent: string | undefined;
  filter: SearchFilter;
  sort: 'relevance' | 'newest';
  kinds: readonly ('messages' | 'tasks')[];
}

interface Term {
  words: string[];
  longer: string[];
  idf: number;
}

const WINDOW = 1_000;
const COUNTED = 250;

/**
 * Finds what docs/decisions/search-in-a-window.md says is found, by looking at everything. Queries are plain words,
 * `a-b` for phrases, `-a` for exclusions, with a space at the end where the last word is no beginning.
 */
export function oracle(all: readonly Told[], asking: Asking): { id: string; score: number }[] {
  const every = listOf(all, asking, true);
  return every.length > 0 || chunksOf(asking.typed).filter((chunk) => !chunk.startsWith('-')).length < 2
    ? every
    : listOf(all, asking, false);
}

const chunksOf = (typed: string) => typed.split(' ').filter(Boolean);
const words = new Map<string, string[]>();

function wordsOf(text: string): string[] {
  let known = words.get(text);
  if (known === undefined) words.set(text, (known = tokensOf(text).map(({ word }) => word)));
  return known;
}

const mayRead = ({ readers }: Told, agent: string | undefined) =>
  readers === undefined || readers.includes(agent as string);

function listOf(all: readonly Told[], asking: Asking, every: boolean): { id: string; score: number }[] {
  const lists = asking.kinds.map((kind) => rankedOf(all, kind, asking, every));
  const merged: { id: string; score: number }[] = [];
  for (;;) {
    let best: { id: string; score: number; at: number }[] | undefined;
    const worth = (list: { score: number; at: number }[]) =>
      asking.sort === 'newest' ? (list[0] as { at: number }).at : (list[0] as { score: number }).score;
    for (const list of lists) if (list.length > 0 && (best === undefined || worth(list) > worth(best))) best = list;
    const next = best?.shift();
    if (next === undefined) return merged;
    merged.push({ id: next.id, score: next.score });
  }
}

function rankedOf(
  all: readonly Told[],
  kind: Told['kind'],
  { typed, agent, filter, sort, kinds }: Asking,
  every: boolean,
) {
  const of = all.filter((doc) => doc.kind === kind);
  const readable = readableOf(all, kind, agent);
  const chunks = chunksOf(typed);
  const terms: Term[] = [];
  const excluded: string[][] = [];
  for (const [i, chunk] of chunks.entries()) {
    if (chunk.startsWith('-')) excluded.push(wordsOf(chunk));
    else {
      const words = wordsOf(chunk);
      const begins = i === chunks.length - 1 && !typed.endsWith(' ') && (words.at(-1) as string).length > 1;
      const longer = begins ? longerThan(all, words.at(-1) as string, agent) : [];
      let [n, rows] = [0, 0];
      for (const each of kinds) {
        const may = readableOf(all, each, agent).filter((doc) => mayHave(doc.words, words, longer));
        const open = may.filter(({ readers }) => readers === undefined);
        const lowest = open.length < COUNTED ? 1 : (open[COUNTED - 1] as Told).row;
        const own = may.filter(({ readers, row }) => readers !== undefined && row >= lowest);
        n += Math.min(open.length, COUNTED) + own.length;
        rows += Math.max(0, ...all.filter(({ kind }) => kind === each).map(({ row }) => row)) - lowest + 1;
      }
      rows = Math.max(n, rows);
      terms.push({ words, longer, idf: Math.log(1 + (rows - n + 0.5) / (n + 0.5)) });
    }
  }
  const blocks = new Map<number, number[]>();
  for (const { row, at } of of) blocks.set(Math.floor(row / 4096), [...(blocks.get(Math.floor(row / 4096)) ?? []), at]);
  const inBlock = ({ row }: Told) => {
    const times = blocks.get(Math.floor(row / 4096)) as number[];
    return Math.max(...times) >= (filter.since ?? 0) && Math.min(...times) < (filter.before ?? Number.MAX_VALUE);
  };
  const allowed = readable.filter(
    (doc) =>
      inBlock(doc) &&
      (filter.from === undefined || doc.from === filter.from) &&
      (filter.channel === undefined || doc.channel === filter.channel) &&
      !excluded.some((words) => countOf(doc.words, words, []) > 0),
  );
  const score = (words: string[]) => {
    let sum = 0;
    let has = 0;
    for (const { words: phrase, longer, idf } of terms) {
      const count = countOf(words, phrase, longer);
      if (count > 0) has++;
      sum += (idf * count * 2.2) / (count + 1.2 * (0.25 + (0.75 * words.length) / 32));
    }
    return { sum, has };
  };
  const inTime = ({ at }: Told) => at >= (filter.since ?? 0) && at < (filter.before ?? Number.MAX_VALUE);
  const rank = (docs: typeof allowed) =>
    docs
      .filter(inTime)
      .map((doc) => ({ ...doc, ...score(doc.words) }))
      .filter(({ has }) => (every ? has === terms.length : has > 0))
      .sort((a, b) => (sort === 'newest' ? 0 : b.sum - a.sum) || b.row - a.row)
      .map(({ id, sum, at }) => ({ id, score: sum, at }));
  if (every) {
    const found = allowed.filter(({ words }) => terms.every((term) => mayHave(words, term.words, term.longer)));
    // In order of time windows make no difference.
    if (sort === 'newest') return rank(found);
    const ranked = [];
    for (let i = 0; i < found.length; i += WINDOW) ranked.push(...rank(found.slice(i, i + WINDOW)));
    return ranked;
  }
  const share = Math.max(100, Math.floor(WINDOW / terms.length));
  const some = terms.flatMap(({ words, longer }) =>
    allowed.filter((doc) => mayHave(doc.words, words, longer)).slice(0, share),
  );
  return rank([...new Set(some)]);
}

/** What the agent may find, the newest first, in words. */
function readableOf(all: readonly Told[], kind: Told['kind'], agent: string | undefined) {
  return all
    .filter((doc) => doc.kind === kind && !doc.gone && mayRead(doc, agent))
    .map((doc) => ({ ...doc, words: wordsOf(doc.texts.at(-1) as string) }))
    .sort((a, b) => b.row - a.row);
}

/** True where a row of the table is found for a term: a beginning after a phrase may be anywhere. */
function mayHave(text: string[], words: string[], longer: string[]): boolean {
  if (longer.length === 0) return countOf(text, words, []) > 0;
  const head = words.slice(0, -1);
  const ends = [words.at(-1) as string, ...longer];
  return (head.length === 0 || countOf(text, head, []) > 0) && text.some((word) => ends.includes(word));
}

function countOf(text: string[], words: string[], longer: string[]): number {
  let count = 0;
  for (let i = 0; i + words.length <= text.length; i++) {
    if (!words.slice(0, -1).every((word, k) => text[i + k] === word)) continue;
    const last = text[i + words.length - 1] as string;
    if (last === words.at(-1)) count++;
    else if (longer.includes(last)) count += 0.5;
  }
  return count;
}

function longerThan(all: readonly Told[], begin: string, agent: string | undefined): string[] {
  const known = new Set<string>();
  for (const doc of all)
    if (mayRead(doc, agent))
      for (const text of doc.texts)
        for (const word of wordsOf(text)) if (word !== begin && word.startsWith(begin)) known.add(word);
  return [...known].sort((a, b) => a.length - b.length || (a < b ? -1 : 1)).slice(0, 40);
}
