import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { JournalDamaged, JournalTooNew } from './damage.ts';
import type { Manifest, SealedSegment } from './manifest.ts';
import {
  type PreviousSegment,
  readHeader,
  SCHEMA,
  SEGMENT_FILE,
  type SegmentHeader,
  scanSegment,
  segmentFile,
  sha256,
  stampOf,
} from './segment.ts';

/** First seqs of the segment files of a directory, in order. */
export function segmentsIn(dir: string): number[] {
  return readdirSync(dir)
    .map((name) => SEGMENT_FILE.exec(name)?.[1])
    .filter((digits) => digits !== undefined)
    .map(Number)
    .sort((a, b) => a - b);
}

/** Segments as they are meant to be, after a crash in the middle of a rotation too. */
export interface Layout {
  manifest: Manifest;
  /** The manifest on disk does not know the active segment yet. */
  behind: boolean;
  /** A segment file that a crash left without its header; nothing was ever written to it. */
  unborn: number | undefined;
}

/**
 * Compares the manifest with the files there are. A crash may come between a new segment and its manifest, so one later
 * segment is expected; everything else that does not agree throws {@link JournalDamaged}.
 */
export function layoutOf(dir: string, manifest: Manifest): Layout {
  const firsts = segmentsIn(dir);
  const known = new Set([...manifest.sealed.map((sealed) => sealed.first), manifest.active]);
  for (const first of known) {
    if (!firsts.includes(first)) throw new JournalDamaged(join(dir, segmentFile(first)), '', 'the segment is missing');
  }
  const unknown = firsts.filter((first) => !known.has(first));
  const [newest, another] = unknown;
  if (newest === undefined) return { manifest, behind: false, unborn: undefined };
  const file = join(dir, segmentFile(newest));
  if (another !== undefined || newest < manifest.active)
    throw new JournalDamaged(file, '', 'the manifest does not know it');
  const header = readHeader(dir, newest);
  if (header === undefined) {
    // Only a file without one whole line can be what a crash left; any other had records.
    if (readFileSync(file).includes(0x0a))
      throw new JournalDamaged(file, ' line 1, byte 0', 'the first line is not a whole segment header');
    return { manifest, behind: false, unborn: newest };
  }
  const { prev } = header;
  if (prev === undefined || prev.first !== manifest.active || prev.last + 1 !== newest)
    throw new JournalDamaged(file, ' line 1, byte 0', `it does not follow the segment ${segmentFile(manifest.active)}`);
  const before = join(dir, segmentFile(prev.first));
  verifyWhole(before, prev);
  const { first, last, bytes } = prev;
  const sealed: SealedSegment = { first, last, bytes, sha256: prev.sha256, mtimeMs: stampOf(before).mtimeMs };
  const { clean: _, ...rest } = manifest;
  return {
    manifest: { ...rest, sealed: [...manifest.sealed, sealed], active: newest },
    behind: true,
    unborn: undefined,
  };
}

/** Verifies a sealed segment against what was known of it when it was sealed. Throws {@link JournalDamaged}. */
export function verifyWhole(file: string, sealed: Omit<PreviousSegment, 'at'>): void {
  const data = readFileSync(file);
  const scan = scanSegment(data, sealed.first);
  if (scan.damage)
    throw new JournalDamaged(file, ` line ${scan.damage.line}, byte ${scan.damage.byte}`, scan.damage.reason);
  if (scan.last !== sealed.last)
    throw new JournalDamaged(file, ` byte ${data.length}`, `it ends at seq ${scan.last}, not at ${sealed.last}`);
  if (sha256(data) !== sealed.sha256) throw new JournalDamaged(file, '', 'its SHA-256 is not what it was');
}

/** Verifies that each segment's header names the journal and the segment before it as the manifest does. */
export function verifyChain(dir: string, manifest: Manifest): void {
  const firsts = [...manifest.sealed.map((sealed) => sealed.first), manifest.active];
  for (const [i, first] of firsts.entries()) {
    const file = join(dir, segmentFile(first));
    const header: SegmentHeader | undefined = readHeader(dir, first);
    const refuse = (reason: string) => new JournalDamaged(file, ' line 1, byte 0', reason);
    if (header === undefined) throw refuse('the first line is not a whole segment header');
    if (header.schema > SCHEMA) throw new JournalTooNew(file, header.schema, SCHEMA);
    if (header.journal !== manifest.journal) throw refuse('the segment belongs to another journal');
    const before = manifest.sealed[i - 1];
    if (before === undefined) continue;
    const { prev } = header;
    if (prev?.last !== before.last || prev.bytes !== before.bytes || prev.sha256 !== before.sha256)
      throw refuse(`it does not follow the ${segmentFile(before.first)} that the manifest describes`);
  }
}
