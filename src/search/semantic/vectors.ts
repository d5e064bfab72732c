import { rmSync } from 'node:fs';
import { type Database, openDatabase, type Statement } from '../../store/sqlite.ts';

/** Change it when the layout here changes: a file of another format is made anew. */
const FORMAT = 1;
const LAYOUT = `
  CREATE TABLE vector (model TEXT NOT NULL, hash TEXT NOT NULL, vector BLOB NOT NULL, unused INTEGER, PRIMARY KEY (model, hash));
  CREATE TABLE answering (one INTEGER PRIMARY KEY CHECK (one = 1), model TEXT NOT NULL);
  PRAGMA user_version = ${FORMAT}`;

/** Milliseconds that a vector stays after the last document with its text, or its model, is gone. */
const UNUSED_MS = 7 * 24 * 3_600_000;

export interface Stored {
  hash: string;
  vector: Float32Array;
}

/**
 * The vectors on the disk, by model and by the hash of the text: derived, but dear to make again. A file that is damaged
 * or of another format is made anew; one that cannot be written keeps nobody from searching.
 */
export interface VectorFile {
  /** The model whose vectors answered last. */
  answering(): string | undefined;
  answersWith(model: string): void;
  get(model: string, hash: string): Float32Array | undefined;
  /** True where they are stored. */
  put(model: string, stored: readonly Stored[]): boolean;
  /** Notes which vectors of these models are in use now, and drops those that nobody used for a week. */
  sweep(inUse: ReadonlyMap<string, ReadonlySet<string>>, now: number): void;
  /** What is wrong with the file now. */
  readonly error: string | undefined;
  close(): void;
}

/** Opens the file. `onAnew` is told when it had to be made anew later: what memory holds is to be stored again. */
export function openVectorFile(file: string, onAnew: () => void = () => {}): VectorFile {
  let error: string | undefined;
  let statements = new Map<string, Statement>();
  let database: Database | undefined;

  function open(): Database {
    try {
      return openUsable(file);
    } catch (fault) {
      // What time or room may mend is left as it is; every other file is of no use.
      if (/locked|full|I\/O|unable to open/.test((fault as Error).message)) throw fault;
      return makeAnew();
    }
  }

  function makeAnew(): Database {
    for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true });
    return openUsable(file);
  }

  /** Does something with the file; where it fails, says why and goes on without. */
  function attempt<T>(act: () => T): T | undefined {
    try {
      const done = act();
      error = undefined;
      return done;
    } catch (fault) {
      error = `the vectors' file fails: ${(fault as Error).message}`;
      if (!/malformed|not a database/.test(error)) return undefined;
      try {
        close();
        database = makeAnew();
        error = undefined;
        onAnew();
      } catch (again) {
        error = `the vectors' file fails: ${(again as Error).message}`;
      }
      return undefined;
    }
  }

  function prepare(sql: string): Statement {
    database ??= open();
    let statement = statements.get(sql);
    if (statement === undefined) statements.set(sql, (statement = database.prepare(sql)));
    return statement;
  }

  function transaction(act: () => void): boolean {
    const done = attempt(() => {
      prepare('BEGIN IMMEDIATE').run();
      try {
        act();
        prepare('COMMIT').run();
      } catch (fault) {
        try {
          prepare('ROLLBACK').run();
        } catch {}
        throw fault;
      }
      return true;
    });
    return done === true;
  }

  function close(): void {
    statements = new Map();
    try {
      database?.close();
    } catch {}
    database = undefined;
  }

  return {
    answering: () =>
      attempt(() => (prepare('SELECT model FROM answering').get() as { model: string } | undefined)?.model),
    answersWith: (model) =>
      void attempt(() => prepare('INSERT OR REPLACE INTO answering (one, model) VALUES (1, ?)').run(model)),
    get(model, hash) {
      const row = attempt(() => prepare('SELECT vector FROM vector WHERE model = ? AND hash = ?').get(model, hash));
      const bytes = (row as { vector: Uint8Array } | undefined)?.vector;
      // Bytes are copied: a view of floats needs them aligned.
      return bytes && bytes.length % 4 === 0 ? new Float32Array(Uint8Array.from(bytes).buffer) : undefined;
    },
    put: (model, stored) =>
      transaction(() => {
        const insert = prepare('INSERT OR REPLACE INTO vector (model, hash, vector) VALUES (?, ?, ?)');
        for (const { hash, vector } of stored)
          insert.run(model, hash, new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength));
      }),
    sweep(inUse, now) {
      transaction(() => {
        const rows = prepare('SELECT rowid AS row, model, hash, unused FROM vector').all() as {
          row: number;
          model: string;
          hash: string;
          unused: number | null;
        }[];
        const mark = prepare('UPDATE vector SET unused = ? WHERE rowid = ?');
        for (const { row, model, hash, unused } of rows) {
          const used = inUse.get(model)?.has(hash) ?? false;
          if (used !== (unused === null)) mark.run(used ? null : now, row);
        }
        prepare('DELETE FROM vector WHERE unused < ?').run(now - UNUSED_MS);
      });
    },
    get error() {
      return error;
    },
    close,
  };
}

function openUsable(file: string): Database {
  const database = openDatabase(file);
  try {
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 4194304');
    const { user_version: version } = database.prepare('PRAGMA user_version').get() as { user_version: number };
    const { n } = database.prepare('SELECT count(*) AS n FROM sqlite_schema').get() as { n: number };
    if (n === 0) database.exec(`BEGIN; ${LAYOUT}; COMMIT`);
    else if (version !== FORMAT) throw new Error('file is not a database of vectors');
    else database.prepare('SELECT model FROM answering').all();
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}
