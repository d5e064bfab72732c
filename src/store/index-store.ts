import { existsSync, rmSync, statSync } from 'node:fs';
import type { Worker } from 'node:worker_threads';
import type { CollectionSpec, IndexView } from '../kernel/capability.ts';
import type { Change } from '../kernel/collection.ts';
import { Refusal } from '../kernel/errors.ts';
import type { Journal } from '../kernel/journal/journal.ts';
import type { Store, StoreStatus } from '../kernel/store.ts';
import type { FollowerPlan, RemakeProgress } from './follower.ts';
import { create, existing } from './index-file.ts';
import { planOf } from './schema.ts';
import { type Database, DRIVER, isFileFault, openDatabase, type Statement } from './sqlite.ts';
import { startThread } from './threads.ts';
import type { FromWriter, RemakeDone, ScanDone, WorkerData, WriteJob } from './worker.ts';

export interface IndexStoreOptions {
  file: string;
  collections: readonly CollectionSpec[];
  /** What keeps rows of its own beside the entities. */
  follower?: FollowerPlan | undefined;
  /** The journal that this index is of. */
  journal: Pick<Journal, 'id' | 'epoch' | 'durable' | 'sync'>;
  /** Milliseconds that changes wait for more of them where nobody waits for the index, beyond what is usual. */
  writeEveryMs?: number;
}

/** Milliseconds until a failed write is tried again. */
const RETRY_MS = 1_000;
/** Changes in one transaction at most, about. */
const CHANGES_A_JOB = 10_000;
/** Changes that are sent without waiting for more. */
const CHANGES_AT_ONCE = 4_000;
/** Bytes of memory that may wait for the index, about, while it cannot be written or does not keep up. */
const WAITING_BYTES = 64 * 1024 * 1024;
/** Bytes of memory that a change takes beside those of its event, about. */
const CHANGE_BYTES = 256;
/** Milliseconds that changes wait for more of them at least. */
const WRITE_EVERY_MS = 25;

/** Changes that go into one transaction, as of `seq`. */
interface Job {
  seq: number;
  changes: Change[];
  /** Of memory, about. */
  bytes: number;
}

interface Waiter {
  seq: number;
  resolve: () => void;
  reject: (reason: Refusal) => void;
}

/** The index in one SQLite file: a writer on a thread of its own, short reads here, long ones on a third thread. */
export class IndexStore implements Store {
  /** Why the index is made anew, if it is. */
  readonly rebuilt: string | undefined;
  #applied: number;
  readonly #file: string;
  readonly #journal: IndexStoreOptions['journal'];
  readonly #writeEveryMs: number;
  readonly #reader: Database;
  readonly #statements = new Map<string, Statement>();
  readonly #collections: readonly CollectionSpec[];
  readonly #follower: FollowerPlan | undefined;
  #writer: Worker | undefined;
  #scanner: Worker | undefined;
  #pending: Job[] = [];
  #inFlight: Job | undefined;
  /** Of memory that pending and in flight take, about. */
  #waitingBytes = 0;
  #waiters: Waiter[] = [];
  #scans = new Map<number, { resolve: (rows: never[]) => void; reject: (error: unknown) => void }>();
  #nextScan = 0;
  #remake: { over: Promise<void>; told: (progress: RemakeDone) => void } | undefined;
  #writeError: string | undefined;
  #readError: string | undefined;
  #closing = false;
  #listener: ((seq: number, changes: readonly Change[]) => void) | undefined;
  #retry: NodeJS.Timeout | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** Opens the index, or makes an empty one where it is missing, damaged, of another layout or of another journal. */
  static open(options: IndexStoreOptions): IndexStore {
    const usable = existing(options);
    if (typeof usable !== 'number') {
      for (const suffix of ['', '-wal', '-shm']) rmSync(options.file + suffix, { force: true });
      create(options);
    }
    return new IndexStore(
      options,
      typeof usable === 'number' ? usable : 0,
      typeof usable === 'number' ? undefined : usable.reason,
    );
  }

  private constructor(
    { file, collections, follower, journal, writeEveryMs = 0 }: IndexStoreOptions,
    applied: number,
    rebuilt: string | undefined,
  ) {
    this.#file = file;
    this.#journal = journal;
    this.#writeEveryMs = Math.max(WRITE_EVERY_MS, writeEveryMs);
    this.#applied = applied;
    this.rebuilt = rebuilt;
    this.#collections = collections;
    this.#follower = follower;
    this.#reader = openDatabase(file, { readOnly: true });
    this.#reader.exec('PRAGMA cache_size = -16384');
  }

  get applied(): number {
    return this.#applied;
  }

  onApplied(listener: (seq: number, changes: readonly Change[]) => void): void {
    this.#listener = listener;
  }

  *load(collection: string): Iterable<[string, object]> {
    for (const row of this.#prepare('SELECT id, doc FROM entity WHERE collection = ?').all(collection)) {
      const { id, doc } = row as { id: string; doc: string };
      yield [id, JSON.parse(doc) as object];
    }
  }

  get(collection: string, id: string): object | undefined {
    const row = this.#read(() => this.#prepare(`SELECT doc FROM "${collection}" WHERE id = ?`).get(id));
    return row === undefined ? undefined : (JSON.parse((row as { doc: string }).doc) as object);
  }

  write(seq: number, changes: readonly Change[], eventBytes: number): void {
    const bytes = eventBytes + changes.length * CHANGE_BYTES;
    this.#waitingBytes += bytes;
    const last = this.#pending.at(-1);
    if (last && last.changes.length < CHANGES_A_JOB) {
      last.seq = seq;
      last.bytes += bytes;
      for (const change of changes) last.changes.push(change);
    } else {
      this.#pending.push({ seq, changes: [...changes], bytes });
    }
    // Few large transactions cost a fraction of many small ones. Whoever must read what was written does not wait for
    // the timer: `reached` sends at once.
    if (this.#inFlight || this.#retry) return;
    if (last && last.changes.length >= CHANGES_AT_ONCE) this.#send();
    else this.#sendSoon();
  }

  reached(seq: number): Promise<void> {
    if (this.#applied >= seq) return Promise.resolve();
    if (this.#writeError !== undefined) return Promise.reject(this.#unwritable());
    return new Promise((resolve, reject) => {
      this.#waiters.push({ seq, resolve, reject });
      this.#send();
    });
  }

  get full(): boolean {
    return this.#waitingBytes > WAITING_BYTES;
  }

  async room(): Promise<void> {
    while (this.full) await this.reached(this.#applied + 1);
  }

  view<R>(read: (view: IndexView) => R): R {
    return this.#read(() => {
      this.#reader.exec('BEGIN');
      try {
        const { value } = this.#prepare("SELECT value FROM meta WHERE key = 'applied_seq'").get() as { value: number };
        return read({
          seq: value,
          all: <T>(sql: string, ...params: (string | number | null)[]) => this.#prepare(sql).all(...params) as T[],
        });
      } finally {
        this.#reader.exec('COMMIT');
      }
    });
  }

  scan<R>(sql: string, params: readonly (string | number | null)[]): Promise<R[]> {
    const scanner = (this.#scanner ??= this.#startScanner());
    const job = this.#nextScan++;
    return new Promise((resolve, reject) => {
      this.#scans.set(job, { resolve: resolve as (rows: never[]) => void, reject });
      scanner.postMessage({ job, sql, params });
    });
  }

  /** Makes the rows beside the entities anew while everything else goes on. Rejected where they cannot be written. */
  remake(onProgress: (progress: RemakeProgress) => void): Promise<void> {
    if (this.#remake) return this.#remake.over;
    this.#writer ??= this.#startWriter();
    let told: (progress: RemakeDone) => void = () => {};
    const over = new Promise<void>((resolve, reject) => {
      told = (progress) => {
        onProgress(progress);
        if (!progress.over) return;
        this.#remake = undefined;
        if (progress.error === undefined) resolve();
        else reject(new Error(progress.error));
      };
    });
    this.#remake = { over, told };
    this.#writer.postMessage('remake');
    return over;
  }

  status(): StoreStatus {
    const error = this.#writeError ?? this.#readError;
    return {
      driver: DRIVER,
      applied: this.#applied,
      backlog: this.#lastSeq - this.#applied,
      full: this.full,
      ...(error !== undefined && { error }),
      bytes: existsSync(this.#file) ? statSync(this.#file).size : 0,
    };
  }

  async close(): Promise<void> {
    if (this.#closing) return;
    // What the index lacks is replayed at the next start, so a writer that cannot write holds nobody up.
    await this.reached(this.#lastSeq).catch(() => {});
    this.#closing = true;
    clearTimeout(this.#retry);
    await Promise.all([stop(this.#writer), stop(this.#scanner)]);
    this.#reader.close();
  }

  /** Seq up to which changes were given. */
  get #lastSeq(): number {
    return (this.#pending.at(-1) ?? this.#inFlight)?.seq ?? this.#applied;
  }

  /** Reads; a file that fails is no fault of the server. */
  #read<R>(read: () => R): R {
    try {
      const value = read();
      this.#readError = undefined;
      return value;
    } catch (error) {
      throw this.#faultOf(error);
    }
  }

  #faultOf(error: unknown): unknown {
    return isFileFault(error) ? this.#unreadable(error.message) : error;
  }

  #prepare(sql: string): Statement {
    let statement = this.#statements.get(sql);
    if (!statement) this.#statements.set(sql, (statement = this.#reader.prepare(sql)));
    return statement;
  }

  #sendSoon(): void {
    this.#timer ??= setTimeout(() => this.#send(), this.#writeEveryMs);
  }

  #send(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#inFlight || this.#retry || this.#closing) return;
    const next = this.#pending.shift();
    if (next === undefined) return;
    const latest = latestOf(next.changes);
    const job = { ...next, changes: [...latest.values()].flatMap((byId) => [...byId.values()]) };
    this.#inFlight = job;
    // Entities cross as they are: cloning them costs this thread less than writing them as text.
    const groups = [...latest].map(([{ name }, byId]) => ({
      collection: name,
      ids: [...byId.keys()],
      docs: Array.from(byId.values(), ({ after }) => after),
    }));
    // A power cut may not leave an index that is ahead of the journal.
    this.#journal
      .sync()
      .then(() => {
        if (this.#inFlight !== job || this.#closing) return;
        this.#writer ??= this.#startWriter();
        this.#writer.postMessage({ seq: job.seq, groups } satisfies WriteJob);
      })
      .catch((error: Error) => this.#failed(error.message));
  }

  #startWriter(): Worker {
    const tables = this.#collections.filter((spec) => spec.keep === 'history').map(planOf);
    const follower = this.#follower;
    const worker = startThread(import.meta.url, 'worker', {
      role: 'writer',
      file: this.#file,
      tables,
      follower,
    } satisfies WorkerData);
    worker.on('message', (done: FromWriter) => {
      if ('remake' in done) this.#remake?.told(done.remake);
      else if ('error' in done) this.#failed(done.error);
      else this.#done(done.seq);
    });
    worker.on('error', (error) => {
      this.#writer = undefined;
      this.#remake?.told({ done: 0, total: 0, over: true, error: error.message });
      this.#failed(`the writer stopped: ${error.message}`);
    });
    return worker;
  }

  #done(seq: number): void {
    const { changes = [], bytes = 0 } = this.#inFlight ?? {};
    this.#inFlight = undefined;
    this.#waitingBytes -= bytes;
    this.#applied = seq;
    this.#writeError = undefined;
    this.#listener?.(seq, changes);
    const waiting = this.#waiters;
    this.#waiters = waiting.filter((waiter) => waiter.seq > seq);
    for (const waiter of waiting) if (waiter.seq <= seq) waiter.resolve();
    if (this.#waiters.length > 0 || this.#pending.length > 1) this.#send();
    else if (this.#pending.length > 0) this.#sendSoon();
  }

  #failed(error: string): void {
    this.#writeError = error;
    const job = this.#inFlight;
    this.#inFlight = undefined;
    if (job) this.#pending.unshift(job);
    for (const waiter of this.#waiters.splice(0)) waiter.reject(this.#unwritable());
    if (this.#closing) return;
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.#send();
    }, RETRY_MS);
  }

  #unwritable(): Refusal {
    const backlog = this.#lastSeq - this.#applied;
    const detail = `The index cannot be written, and ${backlog} events wait for it: ${this.#writeError}.`;
    return new Refusal('index_unavailable', detail, { retryAfter: 2 });
  }

  #unreadable(error: string): Refusal {
    this.#readError = error;
    return new Refusal('index_unavailable', `The index cannot be read: ${error}.`, { retryAfter: 2 });
  }

  #startScanner(): Worker {
    const worker = startThread(import.meta.url, 'worker', { role: 'scanner', file: this.#file } satisfies WorkerData);
    worker.on('message', (done: ScanDone) => {
      const scan = this.#scans.get(done.job);
      this.#scans.delete(done.job);
      if ('error' in done) scan?.reject(this.#faultOf(new Error(done.error)));
      else scan?.resolve(done.rows as never[]);
    });
    worker.on('error', (error) => {
      this.#scanner = undefined;
      const reason = this.#unreadable(`the reader stopped: ${error.message}`);
      for (const scan of this.#scans.values()) scan.reject(reason);
      this.#scans.clear();
    });
    return worker;
  }
}

/** The last change of each entity, by collection. */
function latestOf(changes: readonly Change[]): Map<Change['collection'], Map<string, Change>> {
  const latest = new Map<Change['collection'], Map<string, Change>>();
  for (const change of changes) {
    let byId = latest.get(change.collection);
    if (byId === undefined) latest.set(change.collection, (byId = new Map()));
    byId.set(change.id, change);
  }
  return latest;
}

function stop(worker: Worker | undefined): Promise<void> {
  if (worker === undefined) return Promise.resolve();
  return new Promise((resolve) => {
    worker.once('exit', () => resolve());
    worker.postMessage('close');
  });
}
