import { isAlone, type Token, tokensOf } from './tokens.ts';

/** What must be found: one word, or several that follow each other. */
export interface Term {
  words: readonly string[];
  /** The last word may be the beginning of one. */
  begins: boolean;
}

/** What a person asked for. */
export interface Words {
  terms: readonly Term[];
  /** What must not be found. */
  excluded: readonly Term[];
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
  for (const match of typed.matchAll(CHUNK)) {
    const [chunk, minus, quoted] = match;
    const isQuoted = quoted !== undefined;
    const isExcluded = isQuoted ? minus === '-' : /^-[\p{L}\p{N}\p{Extended_Pictographic}]/u.test(chunk);
    const tokens = tokensOf(isQuoted ? quoted : chunk);
    if (tokens.length === 0) continue;
    const atEnd = match.index + chunk.length === typed.length;
    const begins = !isQuoted && (chunk.endsWith('*') || (atEnd && !isExcluded && /[\p{L}\p{N}]$/u.test(chunk)));
    add(isExcluded ? excluded : terms, { words: tokens.map(({ word }) => word), begins: begins && mayBegin(tokens) });
  }
  return { terms: [...terms.values()].slice(0, MOST_TERMS), excluded: [...excluded.values()].slice(0, MOST_TERMS) };
}

/** Adds a term once; a word that is asked for whole is not found by its beginning. */
function add(terms: Map<string, Term>, term: Term): void {
  const key = term.words.join(' ');
  const known = terms.get(key);
  terms.set(key, { ...term, begins: term.begins && (known?.begins ?? true) });
}

function mayBegin(tokens: readonly Token[]): boolean {
  const { word } = tokens.at(-1) as Token;
  return word.length >= SHORTEST_BEGINNING && !isAlone(word);
}
