import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decode } from '../event.ts';
import { replaceFile, syncDirectory } from './files.ts';
import { type Manifest, readManifest, writeManifest } from './manifest.ts';
import {
  encodeHeader,
  readHeader,
  SCHEMA,
  type Scan,
  SEGMENT_FILE,
  scanSegment,
  segmentFile,
  sha256,
  stampOf,
} from './segment.ts';

/** The journal is damaged in a way that no crash explains: acknowledged records may be gone, so nothing is started. */
export class JournalDamaged extends Error {
  constructor(file: string, where: string, reason: string) {
    super(
      `The journal is damaged: ${file}${where}: ${reason}.\n` +
        'Acknowledged records may be lost, so the server does not start. Restore the file from a backup, ' +
        'or keep what is whole with `npm run journal -- repair --quarantine` (a new epoch begins).',
    );
    this.name = 'JournalDamaged';
  }
}

/** A journal that is whole, and what had to be mended to make it so. */
export interface Recovered {
  manifest: Manifest;
  last: number;
  lastAt: number;
  /** Bytes of the active segment. */
  bytes: number;
  active: Buffer;
  mended: string | undefined;
}

interface Fresh {
  journal: string;
  epoch: string;
}

/**
 * Opens what is on disk: verifies the active segment, cuts off a torn tail (a copy goes to `quarantine`), and refuses
 * everything else that is not as it was written.
 */
export function recover(dir: string, fresh: () => Fresh): Recovered {
  mkdirSync(dir, { recursive: true });
  for (const name of readdirSync(dir)) if (name.endsWith('.tmp')) rmSync(join(dir, name));
  const manifest = readManifestOrRefuse(dir);
  const firsts = readdirSync(dir)
    .map((name) => SEGMENT_FILE.exec(name)?.[1])
    .filter((digits) => digits !== undefined)
    .map(Number)
    .sort((a, b) => a - b);
  if (manifest === undefined) {
    if (firsts.length === 0) return create(dir, fresh());
    // The first process died between its first segment and its manifest: there can be no record yet.
    const header = firsts.length === 1 && firsts[0] === 1 ? readHeader(dir, 1) : undefined;
    const data = readFileSync(join(dir, segmentFile(firsts[0] as number)));
    if (
      firsts.length === 1 &&
      firsts[0] === 1 &&
      (header === undefined ? !data.includes(0x0a) : data.indexOf(0x0a) === data.length - 1)
    ) {
      rmSync(join(dir, segmentFile(1)));
      return create(dir, fresh());
    }
    throw new JournalDamaged(join(dir, 'manifest.json'), '', 'it is missing, but there are segments');
  }
  verifySealed(dir, manifest, firsts);
  return openActive(dir, manifest, firsts);
}

function readManifestOrRefuse(dir: string): Manifest | undefined {
  const file = join(dir, 'manifest.json');
  let manifest: Manifest | undefined;
  try {
    manifest = readManifest(dir);
  } catch {
    throw new JournalDamaged(file, '', 'it is not JSON');
  }
  if (manifest === undefined) return undefined;
  if (
    typeof manifest.journal !== 'string' ||
    typeof manifest.epoch !== 'string' ||
    !Array.isArray(manifest.sealed) ||
    !Number.isInteger(manifest.active)
  ) {
    throw new JournalDamaged(file, '', 'it lacks fields');
  }
  if (manifest.schema > SCHEMA)
    throw new JournalDamaged(file, '', `schema ${manifest.schema} is newer than this version reads (${SCHEMA})`);
  return manifest;
}

function create(dir: string, { journal, epoch }: Fresh): Recovered {
  const manifest: Manifest = { journal, epoch, schema: SCHEMA, sealed: [], active: 1 };
  const header = encodeHeader({ seq: 0, type: '$segment', journal, epoch, first: 1, schema: SCHEMA });
  replaceFile(join(dir, segmentFile(1)), header);
  writeManifest(dir, manifest);
  return { manifest, last: 0, lastAt: 0, bytes: header.length, active: header, mended: undefined };
}

function verifySealed(dir: string, manifest: Manifest, firsts: readonly number[]): void {
  const known = new Set([...manifest.sealed.map((s) => s.first), manifest.active]);
  const next = Math.max(...firsts, manifest.active);
  for (const first of known) {
    if (!firsts.includes(first)) throw new JournalDamaged(join(dir, segmentFile(first)), '', 'the segment is missing');
  }
  for (const first of firsts) {
    // A crash may come between a new segment and its manifest, so one later segment is expected.
    if (!known.has(first) && first !== next)
      throw new JournalDamaged(join(dir, segmentFile(first)), '', 'the manifest does not know it');
  }
  let changed = false;
  for (const sealed of manifest.sealed) {
    const file = join(dir, segmentFile(sealed.first));
    const stamp = stampOf(file);
    if (stamp.bytes === sealed.bytes && stamp.mtimeMs === sealed.mtimeMs) continue;
    verifyWhole(file, sealed);
    sealed.mtimeMs = stamp.mtimeMs;
    changed = true;
  }
  if (changed) writeManifest(dir, manifest);
}

/** Verifies a sealed segment against what was known of it when it was sealed. Throws {@link JournalDamaged}. */
export function verifyWhole(file: string, sealed: { first: number; last: number; sha256: string }): void {
  const data = readFileSync(file);
  const scan = scanSegment(data, sealed.first);
  if (scan.damage)
    throw new JournalDamaged(file, ` line ${scan.damage.line}, byte ${scan.damage.byte}`, scan.damage.reason);
  if (scan.last !== sealed.last)
    throw new JournalDamaged(file, '', `it ends at seq ${scan.last}, not at ${sealed.last}`);
  if (sha256(data) !== sealed.sha256) throw new JournalDamaged(file, '', 'its SHA-256 is not what it was');
}

function openActive(dir: string, manifest: Manifest, firsts: readonly number[]): Recovered {
  const unclean = manifest.clean === undefined;
  let mended: string | undefined;
  const newest = Math.max(...firsts);
  if (newest > manifest.active) {
    const header = readHeader(dir, newest);
    const file = join(dir, segmentFile(manifest.active));
    if (header?.prev === undefined) {
      // The process died while it made the next segment; nothing was acknowledged from it.
      rmSync(join(dir, segmentFile(newest)));
      syncDirectory(dir);
    } else {
      verifyWhole(file, header.prev);
      manifest.sealed.push({
        first: manifest.active,
        last: header.prev.last,
        bytes: header.prev.bytes,
        sha256: header.prev.sha256,
        mtimeMs: stampOf(file).mtimeMs,
      });
      manifest.active = newest;
      writeManifest(dir, manifest);
    }
  }
  const file = join(dir, segmentFile(manifest.active));
  let data: Buffer = readFileSync(file);
  const scan = scanSegment(data, manifest.active);
  if (scan.header === undefined)
    throw new JournalDamaged(file, ' line 1, byte 0', scan.damage?.reason ?? 'the header is missing');
  if (scan.header.journal !== manifest.journal || scan.header.epoch !== manifest.epoch) {
    throw new JournalDamaged(file, ' line 1, byte 0', 'the segment belongs to another journal');
  }
  if (scan.damage && !scan.torn) {
    throw new JournalDamaged(file, ` line ${scan.damage.line}, byte ${scan.damage.byte}`, scan.damage.reason);
  }
  const good = endOfLastWholeCommand(data, scan);
  if (good.bytes < data.length) {
    if (manifest.clean && good.last < manifest.clean.last) {
      throw new JournalDamaged(
        file,
        ` byte ${good.bytes}`,
        `it ends at seq ${good.last}, but was closed in order at ${manifest.clean.last}`,
      );
    }
    mended = `cut ${data.length - good.bytes} bytes of an unfinished write from the end of ${segmentFile(manifest.active)} (after seq ${good.last})`;
    keepAside(dir, manifest.active, data.subarray(good.bytes));
    data = data.subarray(0, good.bytes);
  } else if (manifest.clean && manifest.clean.last > good.last) {
    throw new JournalDamaged(
      file,
      '',
      `it ends at seq ${good.last}, but was closed in order at ${manifest.clean.last}`,
    );
  }
  // After an unclean stop the pages may be in memory and not on the disk: what is read again must be written again.
  if (unclean || mended) replaceFile(file, data);
  delete manifest.clean;
  writeManifest(dir, manifest);
  return {
    manifest,
    last: good.last,
    lastAt: good.at ?? scan.header.prev?.at ?? 0,
    bytes: data.length,
    active: data,
    mended,
  };
}

/** A command of several events is kept whole or not at all: drops the lines of a last command that is not complete. */
function endOfLastWholeCommand(data: Buffer, scan: Scan): { bytes: number; last: number; at: number | undefined } {
  if (scan.lines <= 1) return { bytes: scan.bytes, last: scan.last, at: undefined };
  const { event } = decode(data.subarray(scan.lastLineAt, scan.bytes - 1));
  if (event.tx === undefined || event.tx.i === event.tx.n) return { bytes: scan.bytes, last: event.seq, at: event.at };
  let start = scan.lastLineAt;
  for (let i = event.tx.i; i > 1 && start > 0; i--) start = data.lastIndexOf(0x0a, start - 2) + 1;
  const last = event.seq - event.tx.i;
  const lineStart = data.lastIndexOf(0x0a, start - 2) + 1;
  const before = lineStart === 0 ? undefined : decode(data.subarray(lineStart, start - 1)).event;
  return { bytes: start, last, at: before?.at };
}

function keepAside(dir: string, first: number, tail: Buffer): void {
  const quarantine = join(dir, '..', 'quarantine');
  mkdirSync(quarantine, { recursive: true });
  for (let n = 1; ; n++) {
    const file = join(quarantine, `${segmentFile(first)}.torn-${n}`);
    if (existsSync(file)) continue;
    writeFileSync(file, tail);
    return;
  }
}

export interface Repair {
  last: number;
  dropped: number;
  epoch: string;
}

/** Keeps the whole records before the first damage, moves everything else to `quarantine`, and begins a new epoch. */
export function repair(dir: string, epoch: string): Repair {
  const quarantine = join(dir, '..', 'quarantine');
  mkdirSync(quarantine, { recursive: true });
  const names = readdirSync(dir)
    .filter((name) => SEGMENT_FILE.test(name))
    .sort();
  const stamp = `repair-${Date.now()}`;
  for (const name of readdirSync(dir)) copyFileSync(join(dir, name), join(quarantine, `${stamp}-${name}`));
  const good: { first: number; last: number; data: Buffer; lines: Buffer }[] = [];
  let last = 0;
  let dropped = 0;
  let broken = false;
  let journal: string | undefined;
  for (const name of names) {
    const file = join(dir, name);
    const data = readFileSync(file);
    if (!broken) {
      const scan = scanSegment(data, last + 1);
      broken = scan.damage !== undefined;
      if (scan.header !== undefined) {
        const first = last + 1;
        journal ??= scan.header.journal;
        const end = endOfLastWholeCommand(data, scan);
        if (end.bytes < scan.bytes) broken = true;
        const headerEnd = data.indexOf(0x0a) + 1;
        last = end.last;
        dropped += data.length - end.bytes;
        good.push({ first, last, data, lines: data.subarray(headerEnd, end.bytes) });
        continue;
      }
    }
    dropped += data.length;
  }
  for (const name of names) rmSync(join(dir, name));
  const id = journal ?? `${epoch}-repaired`;
  const manifest: Manifest = { journal: id, epoch, schema: SCHEMA, sealed: [], active: good.at(-1)?.first ?? 1 };
  let prev: { first: number; last: number; at: number; bytes: number; sha256: string } | undefined;
  for (const [i, segment] of (good.length > 0 ? good : [{ first: 1, last: 0, lines: Buffer.alloc(0) }]).entries()) {
    const header = encodeHeader({
      seq: 0,
      type: '$segment',
      journal: id,
      epoch,
      first: segment.first,
      schema: SCHEMA,
      ...(prev && { prev }),
    });
    const data = Buffer.concat([header, segment.lines]);
    const file = join(dir, segmentFile(segment.first));
    replaceFile(file, data);
    if (i === good.length - 1 || good.length === 0) break;
    const at = lastAtOf(segment.lines);
    prev = { first: segment.first, last: segment.last, at, bytes: data.length, sha256: sha256(data) };
    manifest.sealed.push({
      first: prev.first,
      last: prev.last,
      bytes: prev.bytes,
      sha256: prev.sha256,
      mtimeMs: stampOf(file).mtimeMs,
    });
  }
  writeManifest(dir, manifest);
  return { last, dropped, epoch };
}

function lastAtOf(lines: Buffer): number {
  if (lines.length === 0) return 0;
  const start = lines.lastIndexOf(0x0a, lines.length - 2) + 1;
  return decode(lines.subarray(start, lines.length - 1)).event.at;
}
