import { isAlone, type Token, tokensOf } from './tokens.ts';

/** What must be found: one word, or several that follow each other. */
export interface Term {
  words: readonly string[];
  /** The last word may be the beginning of one. */
  begins: boolean;
  /** It was quoted: where meaning counts as well, it must be there all the same. */
  quoted: boolean;
  /** What a thing is called by and nobody says in other words: `TASK-193`, `src/main.ts`, `ENOSPC`. */
  isName: boolean;
}

/** What a person asked for. */
export interface Words {
  terms: readonly Term[];
  /** What must not be found. */
  excluded: readonly Term[];
  /** What was typed without what is excluded. */
  said: string;
}

/** Terms of which more are not looked for. */
const MOST_TERMS = 64;
/** Letters of a beginning at least. */
const SHORTEST_BEGINNING = 2;

/** A quotation, which goes to the end where it is not closed, or what stands between spaces; `-` before it excludes it. */
const CHUNK = /(-?)["“”«»„]([^"“”«»„]*)(?:["“”«»„]|$)|\S+/gu;

/**
 * Reads what a person typed. Words between spaces are terms; `"several words"` are one term, and so is what has
 * separators inside (TASK-193, src/a/b.ts, a name_with_parts): a phrase of its words. `-word` excludes. The last word,
 * where nothing follows it, and a `word*` are beginnings as well. Whatever else is typed stands between words: there is
 * no syntax that could be wrong.
 */
export function readWords(typed: string): Words {
  const terms = new Map<string, Term>();
  const excluded = new Map<string, Term>();
  const said: string[] = [];
  for (const match of typed.matchAll(CHUNK)) {
    const [chunk, minus, quoted] = match;
    const isQuoted = quoted !== undefined;
    const isExcluded = isQuoted ? minus === '-' : /^-[\p{L}\p{N}\p{Extended_Pictographic}]/u.test(chunk);
    const tokens = tokensOf(isQuoted ? quoted : chunk);
    if (tokens.length === 0) continue;
    const atEnd = match.index + chunk.length === typed.length;
    const begins = !isQuoted && (chunk.endsWith('*') || (atEnd && !isExcluded && /[\p{L}\p{N}]$/u.test(chunk)));
    const words = tokens.map(({ word }) => word);
    const isTerm = { words, begins: begins && mayBegin(tokens), quoted: isQuoted, isName: isName(chunk) };
    add(isExcluded ? excluded : terms, isTerm);
    if (!isExcluded) said.push(quoted ?? chunk);
  }
  return {
    terms: [...terms.values()].slice(0, MOST_TERMS),
    excluded: [...excluded.values()].slice(0, MOST_TERMS),
    said: said.join(' '),
  };
}

/** True where there are digits, separators inside, or capitals where a sentence has none. */
function isName(chunk: string): boolean {
  return (
    /\p{N}/u.test(chunk) ||
    /[\p{L}\p{N}][_./:\\#@=]+[\p{L}\p{N}]/u.test(chunk) ||
    /^\P{L}*\p{Lu}[\p{Lu}_-]{2,}\P{L}*$/u.test(chunk) ||
    /\p{Ll}\p{Lu}/u.test(chunk)
  );
}

/** Adds a term once; a word that is asked for whole is not found by its beginning. */
function add(terms: Map<string, Term>, term: Term): void {
  const key = term.words.join(' ');
  const known = terms.get(key);
  terms.set(key, {
    ...term,
    begins: term.begins && (known?.begins ?? true),
    quoted: term.quoted || known?.quoted === true,
    isName: term.isName || known?.isName === true,
  });
}

function mayBegin(tokens: readonly Token[]): boolean {
  const { word } = tokens.at(-1) as Token;
  return word.length >= SHORTEST_BEGINNING && !isAlone(word);
}
