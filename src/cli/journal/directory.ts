import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { lockDirectory } from '../../store/lock.ts';
import { openDatabase } from '../../store/sqlite.ts';

/** The places of a data directory that the tool works on. */
export interface DataDirectory {
  data: string;
  journal: string;
}

/** The places in a data directory, which need not be there. */
export function dataDirectory(data: string): DataDirectory {
  return { data: resolve(data), journal: join(resolve(data), 'journal') };
}

/** Runs something that no server may be running beside. Throws DirectoryInUse where one is. */
export function whileLocked<R>(data: string, run: () => R): R {
  const lock = lockDirectory(data);
  try {
    return run();
  } finally {
    lock.release();
  }
}

/** Seq up to which the index of this epoch holds everything; 0 where there is no index that can be read. */
export function indexedUpTo(data: string, epoch: string): number {
  const file = join(data, 'index.sqlite');
  if (!existsSync(file)) return 0;
  try {
    const database = openDatabase(file);
    try {
      const rows = database.prepare('SELECT key, value FROM meta').all() as { key: string; value: string | number }[];
      const meta = new Map(rows.map((row) => [row.key, row.value]));
      return meta.get('epoch') === epoch ? Number(meta.get('applied_seq')) : 0;
    } finally {
      database.close();
    }
  } catch {
    // It is derived: where it cannot be read it is made anew, and says nothing about the journal.
    return 0;
  }
}
