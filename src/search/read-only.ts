import { type Database, openDatabase, type Statement } from '../store/sqlite.ts';

/** Kibibytes of the index that stay in memory for searches. */
const CACHE_KIB = 32 * 1024;

/** Opens the index to be searched; a statement is prepared once. */
export function openReadOnly(file: string): Database {
  const database = openDatabase(file, { readOnly: true });
  database.exec(`PRAGMA cache_size = -${CACHE_KIB}`);
  const statements = new Map<string, Statement>();
  return {
    exec: (sql) => database.exec(sql),
    prepare(sql) {
      let statement = statements.get(sql);
      if (!statement) statements.set(sql, (statement = database.prepare(sql)));
      return statement;
    },
    close() {
      statements.clear();
      database.close();
    },
  };
}
