/** One thing that is looked for: a word, or words that must follow each other. */
export interface Term {
  words: readonly string[];
  /** `TASK-193`, `src/main.ts`, `ENOSPC`, or what was quoted: what is meant exactly as it stands. */
  exact: boolean;
  /** What was quoted must be there. */
  required: boolean;
  /** The last of its words may go on: `deplo*`. */
  prefix: boolean;
}

/** A query as it is understood. */
export interface Query {
  terms: readonly Term[];
  /** What must not be there: `-word`. */
  excluded: readonly Term[];
  /** What is meant, in words for a model. */
  meaning: string;
}

/** Terms that are looked at. */
const TERMS = 32;

/** The words of a text as the word index splits it. */
export function wordsOf(text: string): string[] {
  return (
    text
      .normalize('NFKD')
      .replace(/\p{M}/gu, '')
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? []
  );
}

/** True for what people call a thing by and do not say in other words: digits, inner punctuation, capitals within. */
export function isIdentifier(piece: string): boolean {
  return (
    /\p{N}/u.test(piece) ||
    /[\p{L}\p{N}][_./:\\#@=]+[\p{L}\p{N}]/u.test(piece) ||
    /^\p{Lu}[\p{Lu}_-]{2,}$/u.test(piece) ||
    /\p{Ll}\p{Lu}/u.test(piece)
  );
}

/** Reads what a person typed; nothing is a mistake. */
export function readQuery(text: string): Query {
  const terms: Term[] = [];
  const excluded: Term[] = [];
  let meaning = '';
  for (const [, minus, quoted, bare] of text.matchAll(/(?<!\S)(-?)(?:"([^"]*)"?|([^\s"]+))|[\s\S]/g)) {
    const piece = quoted ?? bare;
    if (piece === undefined) continue;
    const words = wordsOf(piece);
    if (words.length === 0) continue;
    if (minus === '-') {
      excluded.push({ words, exact: true, required: true, prefix: false });
      continue;
    }
    meaning += ` ${piece}`;
    const prefix = piece.endsWith('*');
    if (quoted !== undefined || isIdentifier(piece))
      terms.push({ words, exact: true, required: quoted !== undefined, prefix });
    else for (const word of words) terms.push({ words: [word], exact: false, required: false, prefix });
  }
  return { terms: terms.slice(0, TERMS), excluded: excluded.slice(0, TERMS), meaning: meaning.trim() };
}
