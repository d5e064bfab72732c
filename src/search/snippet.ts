import type { Snippet } from '../kernel/search.ts';
import type { WeighedTerm } from './scoring.ts';
import { forEachToken, type Token, tokensOf } from './tokens.ts';

/** Characters of a snippet, about. */
const LENGTH = 200;
/** Characters before the first match that tell what it is about. */
const BEFORE = 40;
/** Characters of a text in which the best piece is looked for. */
const LOOKED_AT = 200_000;

/** Where terms are in a text. */
interface Match {
  term: number;
  start: number;
  end: number;
}

/** The piece of a text in which the most terms are, the first of such. */
export function snippetOf(text: string, terms: readonly Pick<WeighedTerm, 'words' | 'longer'>[]): Snippet {
  const looked = text.length > LOOKED_AT ? text.slice(0, LOOKED_AT) : text;
  const matches = matchesOf(looked, terms);
  let best = { first: 0, worth: 0 };
  for (const [first, { start }] of matches.entries()) {
    const near = new Set<number>();
    for (let i = first; i < matches.length && (matches[i] as Match).end <= start + LENGTH - BEFORE; i++)
      near.add((matches[i] as Match).term);
    if (near.size > best.worth) best = { first, worth: near.size };
    if (near.size === terms.length) break;
  }
  const begin = beginning(text, (matches[best.first]?.start ?? 0) - BEFORE);
  const end = ending(text, begin + LENGTH);
  const lead = begin > 0 ? '…' : '';
  const shift = lead.length - begin;
  return {
    text: `${lead}${text.slice(begin, end)}${end < text.length ? '…' : ''}`,
    matches: united(matches.filter((match) => match.start >= begin && match.end <= end)).map(
      ({ start, end }) => [start + shift, end + shift] as const,
    ),
  };
}

function matchesOf(text: string, terms: readonly Pick<WeighedTerm, 'words' | 'longer'>[]): Match[] {
  const wanted = new Set(terms.flatMap(({ words, longer }) => [...words, ...longer]));
  let hasAny = false;
  forEachToken(text, (word) => (hasAny ||= wanted.has(word)));
  if (!hasAny) return [];
  const tokens = tokensOf(text);
  const matches: Match[] = [];
  for (const [i, { end, word }] of tokens.entries()) {
    if (!wanted.has(word)) continue;
    for (const [term, { words, longer }] of terms.entries()) {
      if (word !== words.at(-1) && !longer.has(word)) continue;
      const first = i - words.length + 1;
      if (first < 0 || !words.slice(0, -1).every((each, k) => tokens[first + k]?.word === each)) continue;
      matches.push({ term, start: (tokens[first] as Token).start, end });
    }
  }
  return matches.sort((a, b) => a.start - b.start || b.end - a.end);
}

/** Matches that overlap as one. */
function united(matches: readonly Match[]): { start: number; end: number }[] {
  const whole: { start: number; end: number }[] = [];
  for (const { start, end } of matches) {
    const last = whole.at(-1);
    if (last && start < last.end) last.end = Math.max(last.end, end);
    else whole.push({ start, end });
  }
  return whole;
}

/** The place where the next word begins, not far from `place`. */
function beginning(text: string, place: number): number {
  if (place <= 0) return 0;
  const space = text.slice(place, place + BEFORE / 2).search(/\s/);
  return space === -1 ? whole(text, place) : place + space + 1;
}

/** The place where the last word ends that fits. */
function ending(text: string, place: number): number {
  if (place >= text.length) return text.length;
  const tail = text.slice(place - BEFORE / 2, place);
  const space = Math.max(tail.lastIndexOf(' '), tail.lastIndexOf('\n'));
  return space === -1 ? whole(text, place) : place - BEFORE / 2 + space;
}

/** Not between the two halves of a character. */
function whole(text: string, place: number): number {
  const code = text.charCodeAt(place);
  return code >= 0xdc00 && code <= 0xdfff ? place + 1 : place;
}
