import { parentPort, workerData } from 'node:worker_threads';
import type { ChangedGroup, Follow, Follower, FollowerPlan } from './follower.ts';
import type { TablePlan } from './schema.ts';
import { type Database, openDatabase } from './sqlite.ts';
import { yieldToAnswers } from './threads.ts';

type Value = string | number | null;

/** What one or more batches changed, as of `seq`, by collection: ids and entities side by side. No entity: it is gone. */
export interface WriteJob {
  seq: number;
  groups: ChangedGroup[];
}
export type WriteDone = { seq: number } | { seq: number; error: string };

export interface ScanJob {
  job: number;
  sql: string;
  params: readonly Value[];
}
export type ScanDone = { job: number; rows: unknown[] } | { job: number; error: string };

export type WorkerData =
  | { role: 'writer'; file: string; tables: TablePlan[]; follower?: FollowerPlan | undefined }
  | { role: 'scanner'; file: string };

/** Rows after which a table that keeps only the newest is trimmed. */
const TRIM_EVERY = 5_000;

async function write(file: string, tables: TablePlan[], plan: FollowerPlan | undefined): Promise<void> {
  yieldToAnswers();
  const database = openDatabase(file);
  database.exec(
    'PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 16777216; PRAGMA cache_size = -16384',
  );
  const put = database.prepare(
    'INSERT INTO entity (collection, id, doc) VALUES (?, ?, ?) ON CONFLICT (collection, id) DO UPDATE SET doc = excluded.doc',
  );
  const remove = database.prepare('DELETE FROM entity WHERE collection = ? AND id = ?');
  const applied = database.prepare("INSERT OR REPLACE INTO meta (key, value) VALUES ('applied_seq', ?)");
  const histories = new Map(
    tables.map((table) => [table.name, { ...table, statement: database.prepare(table.upsert), written: 0 }]),
  );

  // Jobs wait in the port until it is listened to.
  const follower = plan && (await startFollower(database, plan));

  function store(job: WriteJob): void {
    for (const group of job.groups) {
      follower?.change(group, job.seq);
      const { collection, ids, docs } = group;
      const history = histories.get(collection);
      if (history) history.written += ids.length;
      for (const [i, id] of ids.entries()) {
        const doc = docs[i];
        if (doc === undefined) remove.run(collection, id);
        else if (history === undefined) put.run(collection, id, JSON.stringify(doc));
        else history.statement.run(id, JSON.stringify(doc));
      }
    }
    for (const history of histories.values()) {
      if (history.trim === undefined || history.written < TRIM_EVERY) continue;
      database.exec(history.trim);
      history.written = 0;
    }
    applied.run(job.seq);
  }

  parentPort?.on('message', (job: WriteJob | 'close') => {
    if (job === 'close') {
      database.close();
      process.exit(0);
    }
    parentPort?.postMessage(inTransaction(database, job, store, follower));
  });
}

async function startFollower(database: Database, { module, data }: FollowerPlan): Promise<Follower> {
  const { follow } = (await import(module)) as { follow: Follow };
  return follow(database, data as never);
}

function inTransaction(
  database: Database,
  job: WriteJob,
  store: (job: WriteJob) => void,
  follower: Follower | undefined,
): WriteDone {
  let open = false;
  try {
    database.exec('BEGIN IMMEDIATE');
    open = true;
    store(job);
    database.exec('COMMIT');
    return { seq: job.seq };
  } catch (error) {
    // SQLite has rolled back by itself where the transaction could not go on.
    if (open) {
      try {
        database.exec('ROLLBACK');
      } catch {}
    }
    follower?.rolledBack();
    return { seq: job.seq, error: String(error instanceof Error ? error.message : error) };
  }
}

function scan(file: string): void {
  const database = openDatabase(file, { readOnly: true });
  parentPort?.on('message', (job: ScanJob | 'close') => {
    if (job === 'close') {
      database.close();
      process.exit(0);
    }
    let done: ScanDone;
    try {
      done = { job: job.job, rows: database.prepare(job.sql).all(...job.params) };
    } catch (error) {
      done = { job: job.job, error: String(error instanceof Error ? error.message : error) };
    }
    parentPort?.postMessage(done);
  });
}

const data = workerData as WorkerData;
if (data.role === 'writer') await write(data.file, data.tables, data.follower);
else scan(data.file);
