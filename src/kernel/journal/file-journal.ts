import { createHash, type Hash } from 'node:crypto';
import { close, constants, existsSync, fdatasync, fsync, ftruncate, open, rmSync, statfsSync, write } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Refusal } from '../errors.ts';
import type { Encoded } from '../event.ts';
import { type Durability, describeDurability, syncMethod } from './durability.ts';
import { replaceFile, syncDirectory } from './files.ts';
import type { Batch, Journal, JournalListener, JournalStatus } from './journal.ts';
import { type Manifest, writeManifest } from './manifest.ts';
import { recover } from './recovery.ts';
import { encodeHeader, SCHEMA, segmentFile, stampOf } from './segment.ts';
import { SegmentReader } from './segment-reader.ts';

export interface FileJournalOptions {
  dir: string;
  durability?: Durability;
  /** Bytes after which a new segment is begun. */
  segmentBytes?: number;
  /** A new journal's identity. */
  fresh: () => { journal: string; epoch: string };
  /** Milliseconds between two looks whether a full disk has room again. */
  retryMs?: number;
}

const BATCH_BYTES = 1024 * 1024;
const BATCH_RECORDS = 2_000;
const SEGMENT_BYTES = 64 * 1024 * 1024;
/** Held back on the disk, so that what is already acknowledged can be indexed and read when the rest is full. */
const RESERVE_BYTES = 1024 * 1024;
const RESERVE_FILE = 'reserve';
/** What a full disk looks like: no space, quota used up, a file-size limit. */
const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

const openFile = promisify(open);
const closeFile = promisify(close);
const fsyncFile = promisify(fsync);
const truncateFile = promisify(ftruncate);

class PendingBatch implements Batch {
  readonly records: Encoded[] = [];
  bytes = 0;
  readonly settled: Promise<void>;
  settle!: () => void;
  reject!: (reason: Refusal) => void;

  constructor() {
    this.settled = new Promise((resolve, reject) => {
      this.settle = resolve;
      this.reject = reject;
    });
    // A batch of which nobody waits for the end is no unhandled rejection.
    this.settled.catch(() => {});
  }

  get first(): number {
    return this.records[0]?.event.seq ?? 0;
  }
}

/** A journal in segment files of one directory. One process at a time: the caller holds the lock. */
export class FileJournal implements Journal {
  readonly id: string;
  readonly epoch: string;
  readonly earliest = 0;
  readonly #dir: string;
  readonly #durability: Durability;
  readonly #segmentBytes: number;
  readonly #retryMs: number;
  readonly #manifest: Manifest;
  readonly #reader: SegmentReader;
  readonly #recovered: string | undefined;
  #listener: JournalListener | undefined;
  #fd: number;
  #position: number;
  #hash: Hash;
  #head: number;
  #durable: number;
  #lastAt: number;
  #durableAt: number;
  #queue: PendingBatch[] = [];
  #flushing = false;
  #scheduled = false;
  #writable = true;
  #manifestBehind = false;
  #failed: Error | undefined;
  #closing: Promise<void> | undefined;
  #idle: (() => void)[] = [];
  #intervalDirty = false;
  #intervalTimer: NodeJS.Timeout | undefined;
  #spaceTimer: NodeJS.Timeout | undefined;
  readonly #flushTimes: number[] = [];
  #flushCount = 0;

  static async open(options: FileJournalOptions): Promise<FileJournal> {
    const recovered = recover(options.dir, options.fresh);
    const durability = options.durability ?? { mode: 'always' };
    const fd = await openFile(join(options.dir, segmentFile(recovered.manifest.active)), writeFlags(durability));
    return new FileJournal(options, durability, recovered, fd);
  }

  private constructor(
    options: FileJournalOptions,
    durability: Durability,
    recovered: ReturnType<typeof recover>,
    fd: number,
  ) {
    this.#dir = options.dir;
    this.#durability = durability;
    this.#segmentBytes = options.segmentBytes ?? SEGMENT_BYTES;
    this.#retryMs = options.retryMs ?? 1_000;
    this.#manifest = recovered.manifest;
    this.id = recovered.manifest.journal;
    this.epoch = recovered.manifest.epoch;
    this.#recovered = recovered.mended;
    this.#fd = fd;
    this.#position = recovered.bytes;
    this.#hash = createHash('sha256').update(recovered.active);
    this.#head = this.#durable = recovered.last;
    this.#lastAt = this.#durableAt = recovered.lastAt;
    this.#reader = new SegmentReader(
      this.#dir,
      () => [...this.#manifest.sealed.map((s) => s.first), this.#manifest.active],
      () => this.#durable,
    );
    this.#keepReserve();
    if (durability.mode === 'interval') {
      this.#intervalTimer = setInterval(() => this.#syncInterval(), durability.ms);
      this.#intervalTimer.unref();
    }
  }

  get head(): number {
    return this.#head;
  }

  get durable(): number {
    return this.#durable;
  }

  get lastAt(): number {
    return this.#lastAt;
  }

  listen(listener: JournalListener): void {
    this.#listener = listener;
  }

  append(records: readonly Encoded[]): Batch {
    if (this.#failed) throw new Refusal('outcome_unknown', 'The journal cannot be written.', { cause: this.#failed });
    if (this.#closing) throw new Refusal('shutting_down', 'The journal is closed.');
    if (!this.#writable)
      throw new Refusal('disk_full', 'The disk that holds the data directory is full.', { retryAfter: 5 });
    let bytes = 0;
    for (const record of records) bytes += record.line.length;
    let batch = this.#queue.at(-1);
    if (
      batch === undefined ||
      batch.bytes + bytes > BATCH_BYTES ||
      batch.records.length + records.length > BATCH_RECORDS
    ) {
      batch = new PendingBatch();
      this.#queue.push(batch);
    }
    for (const record of records) {
      if (record.event.seq !== this.#head + 1)
        throw new Error(`seq ${record.event.seq} where ${this.#head + 1} belongs`);
      this.#head = record.event.seq;
      this.#lastAt = record.event.at;
      batch.records.push(record);
    }
    batch.bytes += bytes;
    this.#schedule();
    return batch;
  }

  read(after: number, limit: number, bytes?: number): Promise<Encoded[]> {
    return this.#reader.read(after, limit, bytes);
  }

  status(): JournalStatus {
    const times = [...this.#flushTimes].sort((a, b) => a - b);
    const at = (q: number) => Math.round((times[Math.floor(times.length * q)] ?? 0) * 100) / 100;
    return {
      driver: 'file',
      durability: describeDurability(this.#durability),
      writable: this.#writable && !this.#failed,
      ...(this.#recovered !== undefined && { recovered: this.#recovered }),
      segments: this.#manifest.sealed.length + 1,
      bytes: this.#manifest.sealed.reduce((sum, s) => sum + s.bytes, 0) + this.#position,
      flushMs: { p50: at(0.5), p99: at(0.99) },
    };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearInterval(this.#intervalTimer);
    clearTimeout(this.#spaceTimer);
    if (this.#flushing || this.#scheduled) await new Promise<void>((resolve) => this.#idle.push(resolve));
    await this.#reader.close();
    if (!this.#failed) {
      await fsyncFile(this.#fd);
      this.#manifest.clean = { last: this.#durable, bytes: this.#position };
      try {
        writeManifest(this.#dir, this.#manifest);
      } catch (error) {
        // Without the mark the next start verifies more; nothing is lost.
        if (!FULL.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
      }
    }
    await closeFile(this.#fd);
  }

  // One setImmediate lets every writer of this turn of the event loop join the batch. Without it the writers split into
  // two groups that wait for each other's flush.
  #schedule(): void {
    if (this.#flushing || this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    const batch = this.#queue.shift();
    if (batch === undefined) {
      for (const resolve of this.#idle.splice(0)) resolve();
      return;
    }
    this.#flushing = true;
    let text = '';
    for (const record of batch.records) text += record.line;
    const data = Buffer.from(text);
    if (this.#position + data.length > this.#segmentBytes && batch.first > this.#manifest.active) {
      this.#rotate(batch.first).then(
        () => this.#write(batch, data),
        (error: Error) => this.#giveUp(batch, error),
      );
    } else {
      this.#write(batch, data);
    }
  }

  #write(batch: PendingBatch, data: Buffer): void {
    const began = performance.now();
    write(this.#fd, data, 0, data.length, this.#position, (error, written) => {
      if (error) return this.#giveUp(batch, error);
      // Node answers a full disk with a short count and no error.
      if (written < data.length) return this.#giveUp(batch, shortWrite(written, data.length));
      if (this.#durability.mode === 'interval') {
        this.#intervalDirty = true;
        return this.#commit(batch, data, began);
      }
      const method = syncMethod();
      if (method === 'O_DSYNC') return this.#commit(batch, data, began);
      (method === 'fsync' ? fsync : fdatasync)(this.#fd, (failure) => {
        if (failure) this.#fail(batch, failure);
        else this.#commit(batch, data, began);
      });
    });
  }

  #commit(batch: PendingBatch, data: Buffer, began: number): void {
    this.#position += data.length;
    this.#hash.update(data);
    const last = batch.records.at(-1) as Encoded;
    this.#durable = last.event.seq;
    this.#durableAt = last.event.at;
    this.#flushTimes[this.#flushCount++ % 512] = performance.now() - began;
    this.#listener?.committed(batch);
    batch.settle();
    this.#flushing = false;
    if (this.#queue.length > 0) this.#schedule();
    else this.#flush();
  }

  async #rotate(first: number): Promise<void> {
    const sealedFile = join(this.#dir, segmentFile(this.#manifest.active));
    // Recovery understands one segment that the manifest does not know, not two.
    if (this.#manifestBehind) this.#keepManifest();
    await fsyncFile(this.#fd);
    const sealed = {
      first: this.#manifest.active,
      last: this.#durable,
      bytes: this.#position,
      sha256: this.#hash.copy().digest('hex'),
      mtimeMs: stampOf(sealedFile).mtimeMs,
    };
    const { mtimeMs: _, ...prev } = sealed;
    const header = encodeHeader({
      seq: 0,
      type: '$segment',
      journal: this.id,
      epoch: this.epoch,
      first,
      schema: SCHEMA,
      prev: { ...prev, at: this.#durableAt },
    });
    const file = join(this.#dir, segmentFile(first));
    replaceFile(file, header);
    const fd = await openFile(file, writeFlags(this.#durability));
    const before = this.#fd;
    this.#fd = fd;
    this.#position = header.length;
    this.#hash = createHash('sha256').update(header);
    this.#manifest.sealed.push(sealed);
    this.#manifest.active = first;
    this.#manifestBehind = true;
    this.#keepManifest();
    await closeFile(before);
  }

  #keepManifest(): void {
    writeManifest(this.#dir, this.#manifest);
    this.#manifestBehind = false;
  }

  #giveUp(batch: PendingBatch, error: NodeJS.ErrnoException): void {
    if (FULL.has(error.code ?? '')) this.#stopForSpace(batch);
    else this.#fail(batch, error);
  }

  /** A full disk: back to the last good byte, no batch is kept, and writing waits until there is room. */
  #stopForSpace(batch: PendingBatch): void {
    this.#writable = false;
    const batches = [batch, ...this.#queue.splice(0)];
    truncateFile(this.#fd, this.#position)
      .then(() => fsyncFile(this.#fd))
      .then(
        () => {
          const all = [...batches, ...this.#queue.splice(0)];
          this.#head = this.#durable;
          this.#lastAt = this.#durableAt;
          const reason = new Refusal('disk_full', 'The disk that holds the data directory is full.', { retryAfter: 5 });
          this.#abort(all, reason);
          rmSync(join(this.#dir, RESERVE_FILE), { force: true });
          this.#flushing = false;
          this.#awaitSpace();
          this.#flush();
        },
        (error: Error) => this.#fail(batch, error, batches.slice(1)),
      );
  }

  #awaitSpace(): void {
    if (this.#closing) return;
    this.#spaceTimer = setTimeout(() => {
      if (this.#keepReserve()) this.#writable = true;
      else this.#awaitSpace();
    }, this.#retryMs);
    this.#spaceTimer.unref();
  }

  /** Takes the reserve from the disk. False where there is no room for it. */
  #keepReserve(): boolean {
    const file = join(this.#dir, RESERVE_FILE);
    if (existsSync(file)) return true;
    try {
      const { bavail, blocks, bsize } = statfsSync(this.#dir);
      // A small disk (a test's, a container's) gives a small part of itself.
      const bytes = Math.min(RESERVE_BYTES, Math.floor((blocks * bsize) / 16));
      if (bavail * bsize < bytes * 2) return false;
      replaceFile(file, Buffer.alloc(bytes));
      syncDirectory(this.#dir);
      return true;
    } catch {
      rmSync(`${file}.tmp`, { force: true });
      return false;
    }
  }

  /** An I/O error: what was written may or may not be on the disk, so no answer is true and no second sync is tried. */
  #fail(batch: PendingBatch, error: Error, more: PendingBatch[] = []): void {
    this.#failed = error;
    const all = [batch, ...more, ...this.#queue.splice(0)];
    this.#abort(all, new Refusal('outcome_unknown', 'The disk failed while this was written.', { cause: error }));
    this.#flushing = false;
    for (const resolve of this.#idle.splice(0)) resolve();
    this.#listener?.failed(error);
  }

  #abort(batches: PendingBatch[], reason: Refusal): void {
    this.#listener?.aborted(batches, reason);
    for (const batch of batches) batch.reject(reason);
  }

  #syncInterval(): void {
    if (!this.#intervalDirty || this.#failed) return;
    this.#intervalDirty = false;
    fdatasync(this.#fd, (error) => {
      if (error && !this.#failed) {
        this.#failed = error;
        this.#listener?.failed(error);
      }
    });
  }
}

function writeFlags(durability: Durability): number {
  const dsync = durability.mode === 'always' && syncMethod() === 'O_DSYNC' ? constants.O_DSYNC : 0;
  return constants.O_RDWR | dsync;
}

function shortWrite(written: number, length: number): NodeJS.ErrnoException {
  return Object.assign(new Error(`ENOSPC: wrote ${written} of ${length} bytes`), { code: 'ENOSPC' });
}
