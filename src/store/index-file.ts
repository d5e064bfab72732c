import { existsSync } from 'node:fs';
import type { IndexStoreOptions } from './index-store.ts';
import { createStatements, fingerprint } from './schema.ts';
import { type Database, openDatabase } from './sqlite.ts';

/** The index says it holds events that the journal does not have: acknowledged records are gone. */
export class IndexAhead extends Error {
  /** `durable` is undefined where there is no journal at all. */
  constructor(applied: number, durable: number | undefined) {
    const rest = durable === undefined ? GONE : `but the journal ends at ${durable}: ${LOST}`;
    super(`The index holds events up to ${applied}, ${rest}`);
    this.name = 'IndexAhead';
  }
}

const LOST =
  'acknowledged records are gone. The server does not start. Restore the journal from a backup, or accept the loss with ' +
  '`npm run journal -- repair --quarantine` (a new epoch begins, so that no reader takes new events for the lost ones).';
const GONE =
  'but the journal is empty: it was moved or deleted. The server does not start. Put the journal directory back or ' +
  'restore it from a backup; to begin anew, delete index.sqlite as well.';

/** The seq that a usable index holds, or why there is none. Throws {@link IndexAhead}. */
export function existing({ file, collections, follower, journal }: IndexStoreOptions): number | { reason: string } {
  if (!existsSync(file)) return { reason: 'there is none' };
  let database: Database | undefined;
  try {
    database = openDatabase(file);
    const meta = new Map(
      (database.prepare('SELECT key, value FROM meta').all() as { key: string; value: string | number }[]).map(
        (row) => [row.key, row.value],
      ),
    );
    if (meta.get('fingerprint') !== fingerprint(collections, follower?.schema))
      return { reason: 'its layout is of another version' };
    const applied = Number(meta.get('applied_seq'));
    if (meta.get('journal') !== journal.id && journal.durable === 0 && applied > 0)
      throw new IndexAhead(applied, undefined);
    if (meta.get('journal') !== journal.id || meta.get('epoch') !== journal.epoch)
      return { reason: 'it belongs to another epoch of the journal' };
    if (!Number.isInteger(applied)) return { reason: 'it does not say how far it is' };
    if (applied > journal.durable) throw new IndexAhead(applied, journal.durable);
    return applied;
  } catch (error) {
    if (error instanceof IndexAhead) throw error;
    return { reason: `it is damaged (${error instanceof Error ? error.message : String(error)})` };
  } finally {
    try {
      database?.close();
    } catch {}
  }
}

/** Makes an empty one. */
export function create({ file, collections, follower, journal }: IndexStoreOptions): void {
  const database = openDatabase(file);
  try {
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
    database.exec(`BEGIN; ${createStatements(collections, follower?.schema)}; COMMIT`);
    const put = database.prepare('INSERT INTO meta (key, value) VALUES (?, ?)');
    put.run('fingerprint', fingerprint(collections, follower?.schema));
    put.run('journal', journal.id);
    put.run('epoch', journal.epoch);
    put.run('applied_seq', 0);
  } finally {
    database.close();
  }
}
