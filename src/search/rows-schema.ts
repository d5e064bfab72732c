import { TOKENS_VERSION } from './tokens.ts';

/** Kinds of rows that have words: a decision is a message. */
export const KINDS = ['messages', 'tasks', 'memory'] as const;
export type Kind = (typeof KINDS)[number];

/** Numbers for entities that have no seq of their own, in the order of their first appearance, for each kind from 1. */
const NUMBERS = `
CREATE TABLE document_row (kind TEXT NOT NULL, row INTEGER NOT NULL, id TEXT NOT NULL, PRIMARY KEY (kind, row)) WITHOUT ROWID;
CREATE UNIQUE INDEX document_row_by_id ON document_row (kind, id)`;

/** The table of the words of a kind: of what everybody may find, or of what some alone may. */
export function wordsTable(kind: Kind, isPrivate: boolean): string {
  return `words_${kind}${isPrivate ? '_private' : ''}`;
}

/**
 * The words of what is searched, without the text: it is in the entity. A row is what `wordsOf` makes of a document:
 * first where it stands, then what it says. The tokenizer only has to cut at spaces.
 */
const WORDS = KINDS.flatMap((kind) => [false, true].map((isPrivate) => wordsTable(kind, isPrivate)))
  .map(
    (table) =>
      `CREATE VIRTUAL TABLE ${table} USING fts5(words, content='', contentless_delete=1, tokenize="ascii tokenchars ':_'")`,
  )
  .join(';\n');

/** Every word that was ever used, so that the beginning of one stands for it: by who may know it, '' for everybody. */
const VOCABULARY =
  'CREATE TABLE vocabulary (reader TEXT NOT NULL, word TEXT NOT NULL, PRIMARY KEY (reader, word)) WITHOUT ROWID';

/** Rows of one entry of `row_times`. */
export const BLOCK = 4_096;

/** In which rows to look for a time: of rows `[block * 4096, block * 4096 + 4095]` the oldest and the newest time. */
const TIMES = `
CREATE TABLE row_times (kind TEXT NOT NULL, block INTEGER NOT NULL, oldest INTEGER NOT NULL, newest INTEGER NOT NULL, PRIMARY KEY (kind, block)) WITHOUT ROWID`;

/**
 * What is given a meaning: tasks, memories, messages in #decisions, and every message where the setting says so.
 * A follower reads `WHERE changed > ? ORDER BY changed`: a row is written again when its text, its place or its readers
 * change, and stays with an empty `text` and `hash` when it is gone or not searched any more.
 */
export const EMBEDDABLE_SCHEMA = `
-- kind: messages (those of #decisions are of the kind decisions) | decisions | tasks | memory
-- row: seq of a message; of the others a number in the order of their first appearance
-- hash: sha256 of the text in hex; empty where it is gone
-- readers: JSON array of the agents that may find it; NULL: everybody
-- place: JSON of what a search is narrowed by: {channel, from, to, thread, tags, scope}
-- at: when it was written, milliseconds since 1970
-- changed: seq of the newest event of the transaction that wrote this row
CREATE TABLE embeddable (
  kind TEXT NOT NULL,
  row INTEGER NOT NULL,
  id TEXT NOT NULL,
  hash TEXT NOT NULL,
  text TEXT NOT NULL,
  readers TEXT,
  place TEXT NOT NULL,
  at INTEGER NOT NULL,
  changed INTEGER NOT NULL,
  PRIMARY KEY (kind, row)
);
CREATE INDEX embeddable_by_change ON embeddable (changed)`;

/** Everything that the index holds for searching, and what decides about its rows. */
export const ROWS_SCHEMA = [
  NUMBERS,
  WORDS,
  VOCABULARY,
  TIMES,
  EMBEDDABLE_SCHEMA,
  `/* tokens: ${TOKENS_VERSION} */`,
].join(';\n');
