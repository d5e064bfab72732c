import { createHash, type Hash } from 'node:crypto';
import { close, constants, fdatasync, fsync, ftruncate, open, rmSync, write } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Refusal } from '../errors.ts';
import type { Encoded } from '../event.ts';
import { isDiskFull } from './damage.ts';
import { type Durability, describeDurability, syncMethod } from './durability.ts';
import { replaceFile, syncDirectory } from './files.ts';
import { IntervalSync } from './interval-sync.ts';
import type { Batch, Journal, JournalListener, JournalStatus } from './journal.ts';
import { type Manifest, writeManifest } from './manifest.ts';
import { PendingBatch } from './pending-batch.ts';
import { type Recovered, recover } from './recovery.ts';
import { keepReserve, releaseReserve } from './reserve.ts';
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

const openFile = promisify(open);
const closeFile = promisify(close);
const fsyncFile = promisify(fsync);
const fdatasyncFile = promisify(fdatasync);
const truncateFile = promisify(ftruncate);

/** A sync that failed is never tried again: the next one may say that all is well while the data is gone. */
class SyncFailed extends Error {
  constructor(cause: unknown) {
    super(`a sync failed: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.name = 'SyncFailed';
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
  readonly #interval: IntervalSync | undefined;
  #listener: JournalListener | undefined;
  #fd: number;
  #position: number;
  #hash: Hash;
  #head: number;
  #durable: number;
  #lastAt: number;
  #durableAt: number;
  #queue: PendingBatch[] = [];
  /** The batch that is being written, and what comes before its write: a rotation. */
  #current: PendingBatch | undefined;
  #scheduled = false;
  #writable = true;
  #manifestBehind = false;
  #failed: Error | undefined;
  #closing: Promise<void> | undefined;
  #idle: (() => void)[] = [];
  #spaceTimer: NodeJS.Timeout | undefined;
  readonly #flushTimes: number[] = [];
  #flushCount = 0;

  static async open(options: FileJournalOptions): Promise<FileJournal> {
    const recovered = recover(options.dir, options.fresh);
    const durability = options.durability ?? { mode: 'always' };
    const fd = await openFile(join(options.dir, segmentFile(recovered.manifest.active)), writeFlags(durability));
    return new FileJournal(options, durability, recovered, fd);
  }

  private constructor(options: FileJournalOptions, durability: Durability, recovered: Recovered, fd: number) {
    this.#dir = options.dir;
    this.#durability = durability;
    this.#segmentBytes = options.segmentBytes ?? SEGMENT_BYTES;
    this.#retryMs = options.retryMs ?? 1_000;
    this.#manifest = recovered.manifest;
    this.id = recovered.manifest.journal;
    this.epoch = recovered.manifest.epoch;
    this.#recovered = recovered.mended;
    this.#fd = fd;
    this.#position = recovered.active.length;
    this.#manifestBehind = recovered.manifestBehind;
    this.#hash = createHash('sha256').update(recovered.active);
    this.#head = this.#durable = recovered.last;
    this.#lastAt = this.#durableAt = recovered.lastAt;
    this.#reader = new SegmentReader(
      this.#dir,
      () => [...this.#manifest.sealed.map((s) => s.first), this.#manifest.active],
      () => this.#durable,
    );
    keepReserve(this.#dir);
    if (durability.mode === 'interval') this.#interval = new IntervalSync(durability.ms, () => this.#syncData());
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

  async sync(): Promise<void> {
    if (this.#interval === undefined) return;
    await this.#interval.now();
    if (this.#failed) throw this.#failed;
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
    clearTimeout(this.#spaceTimer);
    if (this.#current || this.#scheduled) await new Promise<void>((resolve) => this.#idle.push(resolve));
    await this.#reader.close();
    await this.#interval?.close();
    try {
      if (!this.#failed) await this.#sealForClose();
    } finally {
      await closeFile(this.#fd);
    }
  }

  async #sealForClose(): Promise<void> {
    try {
      await fsyncFile(this.#fd);
    } catch (error) {
      this.#fail(new SyncFailed(error));
      throw error;
    }
    this.#manifest.clean = { last: this.#durable, bytes: this.#position };
    try {
      this.#keepManifest();
    } catch (error) {
      // Without the mark the next start verifies more; nothing is lost.
      if (!isDiskFull(error)) throw error;
    }
  }

  // One setImmediate lets every writer of this turn of the event loop join the batch. Without it the writers split into
  // two groups that wait for each other's flush.
  #schedule(): void {
    if (this.#current || this.#scheduled) return;
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
    this.#current = batch;
    let text = '';
    for (const record of batch.records) text += record.line;
    const data = Buffer.from(text);
    if (this.#position + data.length > this.#segmentBytes && batch.first > this.#manifest.active) {
      this.#rotate(batch.first).then(
        () => this.#write(batch, data),
        (error: Error) => this.#giveUp(error),
      );
    } else {
      this.#write(batch, data);
    }
  }

  #write(batch: PendingBatch, data: Buffer): void {
    const began = performance.now();
    write(this.#fd, data, 0, data.length, this.#position, (error, written) => {
      if (this.#failed) return;
      if (error) return this.#giveUp(error);
      // Node answers a full disk with a short count and no error.
      if (written < data.length) return this.#giveUp(shortWrite(written, data.length));
      if (this.#interval) {
        this.#interval.written();
        return this.#commit(batch, data, began);
      }
      const method = syncMethod();
      if (method === 'O_DSYNC') return this.#commit(batch, data, began);
      (method === 'fsync' ? fsync : fdatasync)(this.#fd, (failure) => {
        if (failure) this.#fail(new SyncFailed(failure));
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
    this.#current = undefined;
    // What came meanwhile is on its way to the disk while this batch is answered.
    this.#flush();
    this.#listener?.committed(batch, data);
    batch.settle();
  }

  /** Goes on in a new segment. Where it throws `ENOSPC`, everything is as it was before. */
  async #rotate(first: number): Promise<void> {
    // Recovery understands one segment that the manifest does not know, not two.
    if (this.#manifestBehind) this.#keepManifest();
    await this.sync();
    await fsyncFile(this.#fd).catch((error) => {
      throw new SyncFailed(error);
    });
    const before = this.#fd;
    const sealed = {
      first: this.#manifest.active,
      last: this.#durable,
      bytes: this.#position,
      sha256: this.#hash.copy().digest('hex'),
    };
    const header = encodeHeader({
      seq: 0,
      type: '$segment',
      journal: this.id,
      epoch: this.epoch,
      first,
      schema: SCHEMA,
      prev: { ...sealed, at: this.#durableAt },
    });
    const fd = await this.#openSegment(join(this.#dir, segmentFile(first)), header);
    if (fd === undefined) return;
    this.#fd = fd;
    this.#position = header.length;
    this.#hash = createHash('sha256').update(header);
    const { mtimeMs } = stampOf(join(this.#dir, segmentFile(sealed.first)));
    this.#manifest.sealed.push({ ...sealed, mtimeMs });
    this.#manifest.active = first;
    this.#manifestBehind = true;
    // It was synced above, so there is nothing that closing could lose.
    await closeFile(before).catch(() => {});
    try {
      this.#keepManifest();
    } catch (error) {
      if (!isDiskFull(error)) throw error;
    }
  }

  /** Undefined where the process has no descriptor left: the segment in use goes on, and the next batch tries again. */
  async #openSegment(file: string, header: Buffer): Promise<number | undefined> {
    try {
      replaceFile(file, header);
      return await openFile(file, writeFlags(this.#durability));
    } catch (error) {
      // A later segment beside one that is still written to would look like a damaged journal.
      rmSync(file, { force: true });
      syncDirectory(this.#dir);
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EMFILE' || code === 'ENFILE') return undefined;
      throw error;
    }
  }

  #keepManifest(): void {
    writeManifest(this.#dir, this.#manifest);
    this.#manifestBehind = false;
  }

  #giveUp(error: Error): void {
    if (isDiskFull(error)) this.#stopForSpace();
    else this.#fail(error);
  }

  /** A full disk: back to the last good byte, no batch is kept, and writing waits until there is room. */
  #stopForSpace(): void {
    this.#writable = false;
    truncateFile(this.#fd, this.#position)
      .then(() => fsyncFile(this.#fd))
      .then(
        () => {
          if (this.#failed) return;
          const reason = new Refusal('disk_full', 'The disk that holds the data directory is full.', { retryAfter: 5 });
          this.#abort(reason);
          releaseReserve(this.#dir);
          this.#awaitSpace();
          this.#flush();
        },
        (error: Error) => this.#fail(error),
      );
  }

  #awaitSpace(): void {
    if (this.#closing) return;
    this.#spaceTimer = setTimeout(() => {
      if (this.#hasSpace()) this.#writable = true;
      else this.#awaitSpace();
    }, this.#retryMs);
    this.#spaceTimer.unref();
  }

  #hasSpace(): boolean {
    if (!keepReserve(this.#dir)) return false;
    try {
      if (this.#manifestBehind) this.#keepManifest();
      return true;
    } catch {
      return false;
    }
  }

  /** An I/O error: what was written may or may not be on the disk, so no answer is true and no second sync is tried. */
  #fail(error: Error): void {
    if (this.#failed) return;
    this.#failed = error;
    this.#abort(new Refusal('outcome_unknown', 'The disk failed while this was written.', { cause: error }));
    for (const resolve of this.#idle.splice(0)) resolve();
    this.#listener?.failed(error);
  }

  /** Takes back everything that is not durable. */
  #abort(reason: Refusal): void {
    const batches = [...(this.#current ? [this.#current] : []), ...this.#queue.splice(0)];
    this.#current = undefined;
    this.#head = this.#durable;
    this.#lastAt = this.#durableAt;
    if (batches.length === 0) return;
    this.#listener?.aborted(batches, reason);
    for (const batch of batches) batch.reject(reason);
  }

  async #syncData(): Promise<void> {
    if (!this.#failed) await fdatasyncFile(this.#fd).catch((error) => this.#fail(new SyncFailed(error)));
  }
}

function writeFlags(durability: Durability): number {
  const dsync = durability.mode === 'always' && syncMethod() === 'O_DSYNC' ? constants.O_DSYNC : 0;
  return constants.O_RDWR | dsync;
}

function shortWrite(written: number, length: number): NodeJS.ErrnoException {
  return Object.assign(new Error(`ENOSPC: wrote ${written} of ${length} bytes`), { code: 'ENOSPC' });
}
