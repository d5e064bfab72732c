import { readdirSync, readFileSync } from 'node:fs';

const FOLDER = new URL('../search-set/', import.meta.url);

/** What is asked, and the only document that answers it. */
export interface SetQuery {
  query: string;
  document: string;
}

/** The committed evaluation set: documents, and what people would ask for them. */
export interface SearchSet {
  documents: { id: string; text: string }[];
  /** Says it in other words: no content word is in the document. */
  paraphrases: SetQuery[];
  /** Words of the document. */
  keywords: SetQuery[];
  /** Names things: task numbers, paths, hashes, settings, versions, error codes. */
  identifiers: SetQuery[];
  /** Says the same in nearly the same words: what somebody writes who did not look first. */
  duplicates: SetQuery[];
}

/**
 * Reads the files of bench/search-set: `id | text` is a document; below it ` ? ` begins a paraphrase, ` = ` keywords,
 * ` # ` an identifier and ` ~ ` a near-duplicate, which lead to it.
 */
export function readSearchSet(): SearchSet {
  const set: SearchSet = { documents: [], paraphrases: [], keywords: [], identifiers: [], duplicates: [] };
  const kinds: Record<string, SetQuery[]> = {
    '?': set.paraphrases,
    '=': set.keywords,
    '#': set.identifiers,
    '~': set.duplicates,
  };
  for (const file of readdirSync(FOLDER).toSorted()) {
    for (const line of readFileSync(new URL(file, FOLDER), 'utf8').split('\n').filter(Boolean)) {
      const [, id, text] = /^([a-z]+-\d+) \| (.+)$/.exec(line) ?? [];
      const [, mark = '', query] = /^ {2}([?=#~]) (.+)$/.exec(line) ?? [];
      if (id !== undefined && text !== undefined) set.documents.push({ id, text });
      else if (query !== undefined) kinds[mark]?.push({ query, document: set.documents.at(-1)?.id as string });
      else throw new Error(`${file} has a line that is neither a document nor a query: ${line}`);
    }
  }
  return set;
}

const STOP = new Set(
  `a about above after again ahead all alone already also although always am an and another any anybody anything are as at away
  be because been before behind being below beside best better between both but by can could did do does doing done down
  each early either else enough ever every everybody everything few for from get gets give go goes gone got had has have
  he her here him his how however i if in into is it its itself just keep kept know let like long longer make makes many
  may me might mine more most much must my nearly need never next no nobody none nor not nothing now of off often on once
  one only or other others our out over own per put say says several shall she should since so some somebody something
  still such take taken takes than that the their them then there these they thing things this those though through till
  to together too two under until up us very want wants was we well were what when where whether which while who whoever
  whom whose why will with within without would yes yet you your`.split(/\s+/),
);

/** A word without its ending, roughly. */
function stem(word: string): string {
  return word
    .replace(/(?:'s|')$/, '')
    .replace(/ies$/, 'y')
    .replace(/(?:ations?|ings?|ers?|ed|es|ly|s)$/, '')
    .replace(/(.)\1$/, '$1')
    .replace(/[ey]$/, '');
}

/** The stems of the words that carry a meaning. */
export function contentWords(text: string): Set<string> {
  const words =
    text
      .normalize('NFKD')
      .replace(/\p{M}/gu, '')
      .toLowerCase()
      .match(/[a-z0-9']+/g) ?? [];
  return new Set(words.filter((word) => !STOP.has(word)).map((word) => stem(word)));
}

/** Content words of one that the other has too, or that begin as a word of the other does, for five letters. */
export function sharedWords(one: string, other: string): string[] {
  const others = [...contentWords(other)];
  return [...contentWords(one)].filter((word) =>
    others.some((each) => each === word || (word.length >= 5 && each.slice(0, 5) === word.slice(0, 5))),
  );
}
