import { isDeepStrictEqual } from 'node:util';
import type { Document, DocumentSource } from '../kernel/document.ts';
import type { ChangedGroup, Follower } from '../store/follower.ts';
import type { Database } from '../store/sqlite.ts';
import { createReader } from './candidates.ts';
import { createEmbeddable } from './embeddable.ts';
import { createNumbers } from './numbers.ts';
import { createWords } from './words.ts';

export interface RowsData {
  /** The address of the module that exports `documents`. */
  documents: string;
  /** Every message is given a meaning, and not those of #decisions alone. */
  embedMessages: boolean;
}

/** Rows that are made anew in one transaction. */
const REMADE_AT_ONCE = 250;

/** What a change does to what is searched. */
export interface DocumentChange {
  source: DocumentSource;
  row: number;
  id: string;
  before: Document | undefined;
  after: Document | undefined;
}

/** Writes what is searched, where the writer of the index writes the entities. */
export async function follow(database: Database, { documents, embedMessages }: RowsData): Promise<Follower> {
  const { documents: sources } = (await import(documents)) as { documents: readonly DocumentSource[] };
  const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all() as { name: string }[];
  // A server of fewer capabilities has fewer tables.
  const there = sources.filter(
    ({ keep, collection }) => keep === 'memory' || tables.some(({ name }) => name === collection),
  );
  const watched = new Map(there.map((source) => [source.collection, changesIn(database, source)]));
  const words = createWords(database);
  const embeddable = createEmbeddable(database, embedMessages);
  return {
    change(group, seq) {
      const changes = watched.get(group.collection)?.changes(group) ?? [];
      words.change(changes);
      for (const change of changes) embeddable.change(change, seq);
    },
    *remake() {
      const readers = there.map((source) => ({ source, reader: createReader(database, source) }));
      const total = readers.reduce((sum, { reader }) => sum + reader.highest(), 0);
      let done = 0;
      for (const { source, reader } of readers) {
        // What comes meanwhile is written as ever.
        const highest = reader.highest();
        for (let first = 0; first <= highest; first += REMADE_AT_ONCE) {
          const last = Math.min(first + REMADE_AT_ONCE - 1, highest);
          words.remake(source, first, last, reader);
          done += last - first + (first === 0 ? 0 : 1);
          yield { done, total };
        }
      }
    },
    rolledBack() {
      words.forget();
      for (const each of watched.values()) each.forget();
    },
  };
}

/** Finds out which changes of entities change what is searched: most that touch an old one (a reaction, a lease) do not. */
function changesIn(database: Database, source: DocumentSource) {
  return source.keep === 'history' ? changesInHistory(database, source) : changesInMemory(database, source);
}

interface Changes {
  /** In ascending order of rows. */
  changes(group: ChangedGroup): DocumentChange[];
  forget(): void;
}

function changesInHistory(database: Database, source: DocumentSource): Changes {
  const table = `"${source.collection}"`;
  const newest = database.prepare(`SELECT max(seq) AS seq FROM ${table}`);
  const old = database.prepare(`SELECT doc FROM ${table} WHERE seq = ?`);
  let highest: number | undefined;
  return {
    changes({ ids, docs }) {
      highest ??= (newest.get() as { seq: number | null }).seq ?? 0;
      const before = highest;
      const found: DocumentChange[] = [];
      for (const [i, id] of ids.entries()) {
        const doc = docs[i] as { seq: number } | undefined;
        if (doc === undefined) continue;
        const row = doc.seq;
        // A row above the highest was never written.
        const change = changeOf(source, row, id, row > before ? undefined : old.get(row), doc);
        if (change) found.push(change);
        if (row > highest) highest = row;
      }
      return found.sort((a, b) => a.row - b.row);
    },
    forget() {
      highest = undefined;
    },
  };
}

function changesInMemory(database: Database, source: DocumentSource): Changes {
  const old = database.prepare('SELECT doc FROM entity WHERE collection = ? AND id = ?');
  const numbers = createNumbers(database, source.kind);
  return {
    changes({ collection, ids, docs }) {
      const found: DocumentChange[] = [];
      for (const [i, id] of ids.entries()) {
        const { row, isNew } = numbers.of(id);
        const change = changeOf(source, row, id, isNew ? undefined : old.get(collection, id), docs[i]);
        if (change) found.push(change);
      }
      return found.sort((a, b) => a.row - b.row);
    },
    forget: numbers.forget,
  };
}

function changeOf(
  source: DocumentSource,
  row: number,
  id: string,
  old: unknown,
  doc: object | undefined,
): DocumentChange | undefined {
  const before = old === undefined ? undefined : source.of(JSON.parse((old as { doc: string }).doc) as object);
  const after = doc && source.of(doc);
  const same = before === undefined ? after === undefined : isDeepStrictEqual(before, after);
  return same ? undefined : { source, row, id, before, after };
}
