/** Numbers for entities that have no seq of their own, in the order of their first appearance, for each kind from 1. */
export const NUMBERS_SCHEMA = `
CREATE TABLE document_row (kind TEXT NOT NULL, row INTEGER NOT NULL, id TEXT NOT NULL, PRIMARY KEY (kind, row)) WITHOUT ROWID;
CREATE UNIQUE INDEX document_row_by_id ON document_row (kind, id)`;

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
