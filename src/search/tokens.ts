/** Change it when the same text gives other tokens than before: the index is made anew. */
export const TOKENS_VERSION = 2;

/** A word as it is compared, and where it stands: `[start, end)` in UTF-16 units of the text. */
export interface Token {
  word: string;
  start: number;
  end: number;
}

/** Of a longer word only so many characters count. */
const LONGEST = 64;

const RUN = /[\p{L}\p{N}\p{M}\p{Extended_Pictographic}]+/gu;
/** Scripts that put no spaces between words, and pictures: each of their characters is a word. */
const ALONE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\p{Extended_Pictographic}]/u;
const PARTS = new RegExp(`${ALONE.source}|(?:(?!${ALONE.source})[\\p{L}\\p{N}\\p{M}])+`, 'gu');
const MARKS = /\p{M}+/gu;
const WORDS = /[\p{L}\p{N}]+/gu;
/** What is no word in ASCII: the picture ‼ is two of these otherwise. */
const SIGNS = /[!-/:-`{-~]/;

/**
 * The words of a text: letters and digits in a row, without case and diacritics (NFKD, no marks, lower case). Everything
 * else stands between words.
 */
export function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  forEachToken(text, (word, start, end) => tokens.push({ word, start, end }));
  return tokens;
}

/** 1 for digits and lower case letters, 2 for upper case letters, 3 beyond ASCII, 0 for what is between words. */
const CLASS = new Uint8Array(128);
for (let code = 48; code <= 57; code++) CLASS[code] = 1;
for (let code = 97; code <= 122; code++) CLASS[code] = 1;
for (let code = 65; code <= 90; code++) CLASS[code] = 2;

/** Which words are wanted, by the first letter (ASCII, lower case) and the length: a word that cannot be one is not made. */
export type Wanted = Uint32Array;

export function wantedOf(words: Iterable<string>): Wanted {
  const wanted = new Uint32Array(128);
  for (const word of words) {
    const first = word.charCodeAt(0);
    if (first < 128) wanted[first] = (wanted[first] as number) | (1 << Math.min(word.length, 31));
  }
  return wanted;
}

/** Tells each word of a text in order; instead of one that is not `wanted` it may tell ''. */
export function forEachToken(
  text: string,
  tell: (word: string, start: number, end: number) => void,
  wanted?: Wanted,
): void {
  let start = -1;
  let upper = false;
  for (let i = 0; i <= text.length; i++) {
    const code = i < text.length ? text.charCodeAt(i) : 0;
    if (code > 127) return forEachOfAny(text, start === -1 ? i : start, tell);
    const kind = CLASS[code];
    if (kind !== 0) {
      if (start === -1) start = i;
      if (kind === 2) upper = true;
      continue;
    }
    if (start === -1) continue;
    const end = Math.min(i, start + LONGEST);
    if (wanted !== undefined && !mayBe(wanted, text.charCodeAt(start), end - start)) tell('', start, i);
    else {
      const word = text.slice(start, end);
      tell(upper ? word.toLowerCase() : word, start, i);
    }
    start = -1;
    upper = false;
  }
}

function mayBe(wanted: Wanted, first: number, length: number): boolean {
  const lower = first >= 65 && first <= 90 ? first + 32 : first;
  return ((wanted[lower] as number) & (1 << Math.min(length, 31))) !== 0;
}

/** The same from a place on, in any script. */
function forEachOfAny(text: string, from: number, tell: (word: string, start: number, end: number) => void): void {
  RUN.lastIndex = from;
  for (let run = RUN.exec(text); run !== null; run = RUN.exec(text)) {
    const next = RUN.lastIndex;
    for (const part of run[0].matchAll(PARTS)) {
      const [written] = part;
      const start = run.index + part.index;
      for (const word of wordsOf(written)) tell(word, start, start + written.length);
    }
    // What is told may look through another text.
    RUN.lastIndex = next;
  }
}

/** True where the word is one character of a script that puts no spaces between words. */
export function isAlone(word: string): boolean {
  return ALONE.test(word);
}

/** Letters that look another way at the end of a word. */
function fold(text: string): string {
  return text.normalize('NFKD').replace(MARKS, '').toLowerCase().replaceAll('ς', 'σ');
}

function wordsOf(written: string): string[] {
  // One character of a script without spaces is itself: its marks make it another one.
  if (ALONE.test(written)) {
    const one = written.normalize('NFKC').toLowerCase();
    return [SIGNS.test(one) ? written : one];
  }
  // Taken apart, a letter may be several with something between: ½ is 1⁄2.
  return (fold(written).match(WORDS) ?? []).map((word) => word.slice(0, LONGEST));
}
