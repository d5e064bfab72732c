import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isIntact, sealLine, seqOf } from '../event.ts';

/** The format of headers and records that this version writes, and the newest that it reads. */
export const SCHEMA = 1;

/** What a segment says of the one before it. */
export interface PreviousSegment {
  first: number;
  last: number;
  /** `at` of its last record. */
  at: number;
  bytes: number;
  sha256: string;
}

/** First line of every segment. */
export interface SegmentHeader {
  seq: 0;
  type: '$segment';
  journal: string;
  epoch: string;
  first: number;
  schema: number;
  prev?: PreviousSegment;
}

/** The name of the file whose first event is `first`. */
export function segmentFile(first: number): string {
  return `${String(first).padStart(20, '0')}.jsonl`;
}

/** The name of a segment, with its first seq. */
export const SEGMENT_FILE = /^(\d{20})\.jsonl$/;

/** The first line of a segment. */
export function encodeHeader(header: SegmentHeader): Buffer {
  return Buffer.from(sealLine(JSON.stringify(header).slice(0, -1)));
}

/** What is wrong with a line of a segment, with the place a person can look at. */
export interface Damage {
  line: number;
  byte: number;
  reason: string;
}

/** What a segment holds, as far as it is whole. */
export interface Scan {
  header: SegmentHeader | undefined;
  /** Seq of the last good record; `first - 1` where there is none. */
  last: number;
  /** Bytes of good lines from the start. */
  bytes: number;
  /** Lines that are good, the header included. */
  lines: number;
  /** Where the last good record's line begins. */
  lastLineAt: number;
  damage: Damage | undefined;
  /** Nothing that is whole follows the damage: what a crash in the middle of a write leaves behind. */
  torn: boolean;
}

/** Verifies every line of a segment's bytes: checksums, and seqs without hole or repetition. */
export function scanSegment(data: Buffer, expected: number): Scan {
  const scan: Scan = {
    header: undefined,
    last: expected - 1,
    bytes: 0,
    lines: 0,
    lastLineAt: 0,
    damage: undefined,
    torn: false,
  };
  while (scan.bytes < data.length) {
    const end = data.indexOf(0x0a, scan.bytes);
    const line = data.subarray(scan.bytes, end === -1 ? data.length : end);
    const reason = end === -1 ? 'no line feed at the end' : judge(line, scan);
    if (reason !== undefined) {
      scan.damage = { line: scan.lines + 1, byte: scan.bytes, reason };
      scan.torn = end === -1 || !hasIntactLine(data, end + 1);
      // A whole line in the wrong place is no torn write: something put it there.
      if (end !== -1 && isIntact(line)) scan.torn = false;
      return scan;
    }
    scan.lastLineAt = scan.bytes;
    scan.bytes = end + 1;
    scan.lines++;
  }
  if (scan.header === undefined) {
    scan.damage = { line: 1, byte: 0, reason: 'the header is missing' };
    scan.torn = true;
  }
  return scan;
}

function judge(line: Buffer, scan: Scan): string | undefined {
  if (!isIntact(line)) return 'the checksum does not match';
  if (scan.header === undefined) {
    const header = parseHeader(line);
    if (header === undefined) return 'the first line is not a segment header';
    if (header.first !== scan.last + 1) return `the segment begins at seq ${header.first}, not at ${scan.last + 1}`;
    scan.header = header;
    return undefined;
  }
  const seq = seqOf(line);
  if (seq === undefined) return 'the line has no seq';
  if (seq !== scan.last + 1) return `seq ${seq} where ${scan.last + 1} belongs`;
  scan.last = seq;
  return undefined;
}

function hasIntactLine(data: Buffer, from: number): boolean {
  for (let start = from; start < data.length; ) {
    const end = data.indexOf(0x0a, start);
    if (end === -1) return false;
    if (isIntact(data.subarray(start, end))) return true;
    start = end + 1;
  }
  return false;
}

function parseHeader(line: Buffer): SegmentHeader | undefined {
  try {
    const header = JSON.parse(line.toString('utf8')) as SegmentHeader & { crc?: string };
    delete header.crc;
    return header.type === '$segment' && header.seq === 0 && Number.isInteger(header.first) ? header : undefined;
  } catch {
    return undefined;
  }
}

/** Reads a segment's header alone. Undefined where there is no whole one. */
export function readHeader(dir: string, first: number): SegmentHeader | undefined {
  const fd = openSync(join(dir, segmentFile(first)), 'r');
  try {
    const buffer = Buffer.alloc(4096);
    const n = readSync(fd, buffer, 0, buffer.length, 0);
    const end = buffer.subarray(0, n).indexOf(0x0a);
    const line = buffer.subarray(0, end);
    return end > 0 && isIntact(line) ? parseHeader(line) : undefined;
  } finally {
    closeSync(fd);
  }
}

/** The SHA-256 of bytes, as hexadecimal digits. */
export function sha256(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

/** Size and modification time, as the manifest remembers them of a sealed segment. */
export function stampOf(file: string): { bytes: number; mtimeMs: number } {
  const { size, mtimeMs } = statSync(file);
  return { bytes: size, mtimeMs };
}
