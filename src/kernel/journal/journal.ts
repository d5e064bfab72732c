import type { Refusal } from '../errors.ts';
import type { Encoded } from '../event.ts';

/** Records that become durable together. */
export interface Batch {
  readonly records: readonly Encoded[];
  /** Fulfilled when a power cut cannot take the records back; rejected with the Refusal that says why they are not kept. */
  readonly settled: Promise<void>;
}

/** Told in the same tick in which a batch's fate is known, before `settled` is. */
export interface JournalListener {
  /** The batch is durable; `bytes` are its lines, one after another. Called in the order of the journal. */
  committed(batch: Batch, bytes: Buffer): void;
  /** None of these batches is kept: the head went back to before the first of them. */
  aborted(batches: readonly Batch[], reason: Refusal): void;
  /** The journal cannot be trusted with another write: the process must end. */
  failed(error: Error): void;
}

/** What `/health` tells of the journal. */
export interface JournalStatus {
  driver: string;
  durability: string;
  writable: boolean;
  /** What recovery had to mend at the last start, if anything. */
  recovered?: string;
  segments: number;
  bytes: number;
  /** Milliseconds from the start of a write until it was durable, over the last 512 batches. */
  flushMs: { p50: number; p99: number };
}

/**
 * The truth: an append-only log of records. Appending is optimistic: a driver may still abort a batch (a full disk, or,
 * in a distributed log, somebody else's write), and the kernel then takes the batch back and decides again.
 */
export interface Journal {
  readonly id: string;
  readonly epoch: string;
  /** Seq of the newest record appended; it may not be durable yet. */
  readonly head: number;
  /** Seq up to which every record is durable. */
  readonly durable: number;
  /** Seq before the oldest record that can still be read. */
  readonly earliest: number;
  /** `at` of the newest record. */
  readonly lastAt: number;
  listen(listener: JournalListener): void;
  /** Adds records, contiguous from `head + 1`, to the batch that is being collected. Throws Refusal `disk_full`. */
  append(records: readonly Encoded[]): Batch;
  /** Durable records after `after`, oldest first: at least one where there is one, at most `limit`, and about `bytes`. */
  read(after: number, limit: number, bytes?: number): Promise<Encoded[]>;
  /** Fulfilled when a power cut cannot take back what is durable now: at once, except where the settings allow it to. */
  sync(): Promise<void>;
  status(): JournalStatus;
  /** Makes durable what was appended, then lets go of every resource. */
  close(): Promise<void>;
}
