import type { Document, DocumentSource } from '../kernel/document.ts';
import type { Database, Statement } from '../store/sqlite.ts';
import type { Reader } from './candidates.ts';
import { rowOf } from './place.ts';
import type { DocumentChange } from './rows.ts';
import { BLOCK, KINDS, type Kind, wordsTable } from './rows-schema.ts';

/** Words of which it is remembered that they are in the vocabulary. */
const REMEMBERED = 100_000;

/** Writes the words of what is searched. */
export function createWords(database: Database) {
  const tables = new Map(
    KINDS.flatMap((kind) => [false, true].map((isPrivate) => wordsTable(kind, isPrivate))).map((table) => [
      table,
      {
        put: database.prepare(`INSERT INTO ${table} (rowid, words) VALUES (?, ?)`),
        remove: database.prepare(`DELETE FROM ${table} WHERE rowid = ?`),
      },
    ]),
  );
  const learn = createVocabulary(database);
  const times = database.prepare(
    `INSERT INTO row_times (kind, block, oldest, newest) VALUES (?1, ?2, ?3, ?4)
     ON CONFLICT DO UPDATE SET oldest = min(oldest, ?3), newest = max(newest, ?4)`,
  );

  function tableOf(kind: Kind, { readers }: Document): { put: Statement; remove: Statement } {
    return tables.get(wordsTable(kind, readers !== undefined)) as { put: Statement; remove: Statement };
  }

  const written = new Map(
    [...tables.keys()].map((table) => [
      table,
      database.prepare(
        `DELETE FROM ${table} WHERE rowid IN (SELECT id FROM ${table}_docsize WHERE id BETWEEN ? AND ?)`,
      ),
    ]),
  );

  function put(kind: Kind, rows: readonly { row: number; document: Document }[]): void {
    const blocks = new Map<number, { oldest: number; newest: number }>();
    for (const { row, document } of rows) {
      const words = rowOf(document, learn.by(document.readers));
      tableOf(kind, document).put.run(row, words);
      const block = Math.floor(row / BLOCK);
      const { oldest = document.at, newest = document.at } = blocks.get(block) ?? {};
      blocks.set(block, { oldest: Math.min(oldest, document.at), newest: Math.max(newest, document.at) });
    }
    for (const [block, { oldest, newest }] of blocks) times.run(kind, block, oldest, newest);
  }

  return {
    /** Changes in ascending order of rows: the table of words takes those at the lowest cost. */
    change(changes: readonly DocumentChange[]): void {
      for (const { source, row, before } of changes) if (before) tableOf(source.kind, before).remove.run(row);
      const kind = changes[0]?.source.kind;
      if (kind)
        put(
          kind,
          changes.flatMap(({ row, after }) => (after ? [{ row, document: after }] : [])),
        );
    },
    /** Writes the words of rows `[first, last]` as they are to be, whatever is there. */
    remake({ kind }: DocumentSource, first: number, last: number, reader: Reader): void {
      for (const isPrivate of [false, true]) written.get(wordsTable(kind, isPrivate))?.run(first, last);
      learn.forget();
      put(kind, reader.readAll(first, last));
    },
    forget: learn.forget,
  };
}

/** Writes down each word once. */
function createVocabulary(database: Database) {
  const put = database.prepare('INSERT OR IGNORE INTO vocabulary (reader, word) VALUES (?, ?)');
  const known = new Set<string>();

  function learn(reader: string, word: string): void {
    const key = reader === '' ? word : `${reader} ${word}`;
    if (known.has(key)) return;
    put.run(reader, word);
    if (known.size >= REMEMBERED) known.clear();
    known.add(key);
  }

  const fromAll = (word: string) => learn('', word);
  return {
    /** Writes down a word that these readers may know, and nobody else; without readers everybody. */
    by(readers: readonly string[] | undefined): (word: string) => void {
      if (readers === undefined) return fromAll;
      return (word) => {
        for (const reader of readers) learn(reader, word);
      };
    },
    forget(): void {
      known.clear();
    },
  };
}
