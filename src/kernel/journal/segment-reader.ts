import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { decode, type Encoded, isIntact, seqOf } from '../event.ts';
import { segmentFile } from './segment.ts';

const CHUNK = 256 * 1024;
/** Readers of files at a time; more wait. Those who follow the head read the ring and never come here. */
const READERS = 4;

/** Reads durable records back from segment files, without keeping an index: a seq is found by bisection. */
export class SegmentReader {
  readonly #dir: string;
  readonly #segments: () => number[];
  readonly #durable: () => number;
  #active = 0;
  #waiting: (() => void)[] = [];
  #closed = false;

  constructor(dir: string, segments: () => number[], durable: () => number) {
    this.#dir = dir;
    this.#segments = segments;
    this.#durable = durable;
  }

  async read(after: number, limit: number, bytes = 4 * 1024 * 1024): Promise<Encoded[]> {
    const durable = this.#durable();
    if (after >= durable || limit < 1 || this.#closed) return [];
    await this.#enter();
    try {
      return await this.#readSegments(after, Math.min(limit, durable - after), bytes);
    } finally {
      this.#leave();
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    while (this.#active > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  async #enter(): Promise<void> {
    while (this.#active >= READERS) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#active++;
  }

  #leave(): void {
    this.#active--;
    // Who closes waits for everybody, so nobody may be passed over.
    if (this.#closed) for (const wake of this.#waiting.splice(0)) wake();
    else this.#waiting.shift()?.();
  }

  async #readSegments(after: number, count: number, bytes: number): Promise<Encoded[]> {
    const records: Encoded[] = [];
    const segments = this.#segments();
    let i = segments.findLastIndex((first) => first <= after + 1);
    let taken = 0;
    for (; i >= 0 && i < segments.length && records.length < count && taken < bytes; i++) {
      const file = await open(join(this.#dir, segmentFile(segments[i] as number)));
      try {
        taken += await readSegment(file, after + records.length + 1, count, bytes - taken, records);
      } finally {
        await file.close();
      }
    }
    // Every record up to `count` is durable, so a file that ends before it has lost some.
    if (records.length < count && taken < bytes)
      throw new Error(`The journal is damaged: seq ${after + records.length + 1} cannot be found`);
    return records;
  }
}

/** Appends to `records` from seq `from` on; answers the bytes taken. */
async function readSegment(
  file: FileHandle,
  from: number,
  count: number,
  bytes: number,
  records: Encoded[],
): Promise<number> {
  let position = await findSeq(file, from);
  let rest: Buffer = Buffer.alloc(0);
  let taken = 0;
  const chunk = Buffer.allocUnsafe(CHUNK);
  while (records.length < count && taken < bytes) {
    const { bytesRead } = await file.read(chunk, 0, CHUNK, position);
    if (bytesRead === 0) break;
    position += bytesRead;
    const data: Buffer = Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
    let start = 0;
    for (let end = data.indexOf(0x0a); end !== -1; end = data.indexOf(0x0a, start)) {
      const line = data.subarray(start, end);
      start = end + 1;
      const seq = seqOf(line);
      if (seq === undefined || seq < from) continue;
      if (seq !== from || !isIntact(line)) throw new Error(`The journal is damaged at seq ${from}: found ${seq}`);
      records.push(decode(line));
      taken += line.length + 1;
      from++;
      if (records.length >= count || taken >= bytes) break;
    }
    rest = data.subarray(start);
  }
  return taken;
}

/** A byte position at or before the line of `seq`, and near it. */
async function findSeq(file: FileHandle, seq: number): Promise<number> {
  const { size } = await file.stat();
  let low = 0;
  let high = size;
  const probe = Buffer.allocUnsafe(4096);
  while (high - low > CHUNK) {
    const middle = Math.floor((low + high) / 2);
    const found = await seqAfter(file, middle, high, probe);
    if (found !== undefined && found.seq < seq) low = found.at;
    else high = middle;
  }
  return low;
}

/** The first line that begins after `position`: where, and its seq. */
async function seqAfter(
  file: FileHandle,
  position: number,
  limit: number,
  probe: Buffer,
): Promise<{ at: number; seq: number } | undefined> {
  for (let at = position; at < limit; ) {
    const { bytesRead } = await file.read(probe, 0, probe.length, at);
    if (bytesRead === 0) return undefined;
    const end = probe.subarray(0, bytesRead).indexOf(0x0a);
    if (end === -1) {
      at += bytesRead;
      continue;
    }
    const start = at + end + 1;
    const head = await file.read(probe, 0, 64, start);
    const seq = seqOf(probe.subarray(0, head.bytesRead));
    return seq === undefined ? undefined : { at: start, seq };
  }
  return undefined;
}
