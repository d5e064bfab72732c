import { parentPort, workerData } from 'node:worker_threads';
import type { ChangedGroup, Follow, Follower, FollowerPlan, RemakeProgress } from './follower.ts';
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

/** How far the rows beside the entities have been made anew; `over` when they all are, or could not be. */
export type RemakeDone = RemakeProgress & { over: boolean; error?: string };
export type FromWriter = WriteDone | { remake: RemakeDone };

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

  parentPort?.on('message', (job: WriteJob | 'close' | 'remake') => {
    if (job === 'close') {
      database.close();
      process.exit(0);
    }
    if (job === 'remake') return remake(database, follower);
    const error = inTransaction(database, () => store(job), follower);
    parentPort?.postMessage({ seq: job.seq, ...(error !== undefined && { error }) } satisfies FromWriter);
  });
}

/** Makes the rows of the follower anew, some at a time: what is to be written meanwhile comes between. */
function remake(database: Database, follower: Follower | undefined): void {
  const steps = follower?.remake();
  let progress: RemakeProgress = { done: 0, total: 0 };
  const tell = (more: Partial<RemakeDone>) =>
    parentPort?.postMessage({ remake: { ...progress, over: false, ...more } } satisfies FromWriter);
  const step = () => {
    let over = true;
    const error = inTransaction(
      database,
      () => {
        const next = steps?.next();
        over = next?.done ?? true;
        if (next && !next.done) progress = next.value;
      },
      follower,
    );
    tell({ over: over || error !== undefined, ...(error !== undefined && { error }) });
    if (!over && error === undefined) setImmediate(step);
  };
  step();
}

async function startFollower(database: Database, { module, data }: FollowerPlan): Promise<Follower> {
  const { follow } = (await import(module)) as { follow: Follow };
  return follow(database, data as never);
}

/** Answers why it failed and was taken back, where it was. */
function inTransaction(database: Database, write: () => void, follower: Follower | undefined): string | undefined {
  let open = false;
  try {
    database.exec('BEGIN IMMEDIATE');
    open = true;
    write();
    database.exec('COMMIT');
    return undefined;
  } catch (error) {
    // SQLite has rolled back by itself where the transaction could not go on.
    if (open) {
      try {
        database.exec('ROLLBACK');
      } catch {}
    }
    follower?.rolledBack();
    return String(error instanceof Error ? error.message : error);
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
