import { createHash } from 'node:crypto';
import type { CollectionSpec } from '../kernel/capability.ts';

/** Change it when the layout here changes: an index of another format is rebuilt. */
const FORMAT = 2;

export type HistorySpec = Extract<CollectionSpec, { keep: 'history' }>;

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** The statements that make an empty index, with the tables of what follows it. */
export function createStatements(specs: readonly CollectionSpec[], follower = ''): string {
  const tables = specs
    .filter((spec) => spec.keep === 'history')
    .flatMap((spec) => {
      const columns = Object.entries(spec.columns).map(([name, definition]) => `${quote(name)} ${definition}`);
      return [
        `CREATE TABLE ${quote(spec.name)} (${['seq INTEGER PRIMARY KEY', 'id TEXT NOT NULL UNIQUE', 'doc TEXT NOT NULL', ...columns].join(', ')})`,
        ...(spec.indexes ?? []),
      ];
    });
  return [
    'CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID',
    // One row for each live entity; `doc` is its JSON. With rowids: changing a row in place takes half as long.
    'CREATE TABLE entity (collection TEXT NOT NULL, id TEXT NOT NULL, doc TEXT NOT NULL, PRIMARY KEY (collection, id))',
    ...tables,
    follower,
  ].join(';\n');
}

/** Names the layout: two indexes with one fingerprint hold the same kinds of rows. */
export function fingerprint(specs: readonly CollectionSpec[], follower?: string): string {
  return createHash('sha256')
    .update(`${FORMAT}\n${createStatements(specs, follower)}`)
    .digest('hex')
    .slice(0, 16);
}

/** What the writer needs to know of a history table. */
export interface TablePlan {
  name: string;
  upsert: string;
  /** Drops rows beyond the newest; run now and then. */
  trim: string | undefined;
}

export function planOf(spec: HistorySpec): TablePlan {
  const table = quote(spec.name);
  return {
    name: spec.name,
    upsert: `INSERT OR REPLACE INTO ${table} (seq, id, doc) VALUES (?2 ->> 'seq', ?1, ?2)
      ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, doc = excluded.doc`,
    trim:
      spec.newest === undefined
        ? undefined
        : `DELETE FROM ${table} WHERE seq <= (SELECT seq FROM ${table} ORDER BY seq DESC LIMIT 1 OFFSET ${spec.newest})`,
  };
}
