import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isDiskFull, JournalDamaged, JournalDiskFull } from './damage.ts';
import { makeDirectory, replaceFile, rewriteInPlace, syncDirectory } from './files.ts';
import { layoutOf, segmentsIn, verifyChain, verifyWhole } from './layout.ts';
import { MANIFEST_FILE, type Manifest, readManifest, writeManifest } from './manifest.ts';
import { releaseReserve } from './reserve.ts';
import { encodeHeader, SCHEMA, type Scan, scanSegment, segmentFile, stampOf } from './segment.ts';
import { type End, endOfLastWholeCommand } from './whole-commands.ts';

/** A journal that is whole, and what had to be mended to make it so. */
export interface Recovered {
  manifest: Manifest;
  /** The manifest could not be written, because the disk is full. */
  manifestBehind: boolean;
  last: number;
  lastAt: number;
  /** Bytes of the active segment. */
  active: Buffer;
  mended: string | undefined;
}

interface Fresh {
  journal: string;
  epoch: string;
}

/** Where a repaired or restored journal is made, beside the one that it replaces. */
export function nextDirectory(dir: string): string {
  return `${dir}.next`;
}

/**
 * Opens what is on disk: verifies the active segment, cuts off a torn tail (a copy goes to `quarantine`), and refuses
 * everything else that is not as it was written. Throws JournalRefused.
 */
export function recover(dir: string, fresh: () => Fresh): Recovered {
  try {
    return open(dir, fresh);
  } catch (error) {
    if (!isDiskFull(error)) throw error;
  }
  // What is held back for this: the next start takes it again.
  releaseReserve(dir);
  try {
    return open(dir, fresh);
  } catch (error) {
    throw isDiskFull(error) ? new JournalDiskFull(dir, error) : error;
  }
}

function open(dir: string, fresh: () => Fresh): Recovered {
  finishReplacement(dir);
  makeDirectory(dir);
  for (const name of readdirSync(dir)) if (name.endsWith('.tmp')) rmSync(join(dir, name));
  const manifest = readManifest(dir);
  if (manifest !== undefined) return openActive(dir, manifest);
  const firsts = segmentsIn(dir);
  if (firsts.length === 0) return create(dir, fresh());
  // The first process died between its first segment and its manifest: there can be no record yet.
  const file = join(dir, segmentFile(1));
  if (firsts.length === 1 && firsts[0] === 1) {
    const data = readFileSync(file);
    const end = data.indexOf(0x0a);
    if (end === -1 || (end === data.length - 1 && scanSegment(data, 1).header)) {
      rmSync(file);
      return create(dir, fresh());
    }
  }
  throw new JournalDamaged(join(dir, MANIFEST_FILE), '', 'it is missing, but there are segments');
}

/** A repair or a restore died between moving the old journal away and moving the new one in. */
function finishReplacement(dir: string): void {
  const next = nextDirectory(dir);
  if (existsSync(dir) || !existsSync(join(next, MANIFEST_FILE))) return;
  renameSync(next, dir);
  syncDirectory(dirname(dir));
}

function create(dir: string, { journal, epoch }: Fresh): Recovered {
  const manifest: Manifest = { journal, epoch, schema: SCHEMA, sealed: [], active: 1 };
  const header = encodeHeader({ seq: 0, type: '$segment', journal, epoch, first: 1, schema: SCHEMA });
  replaceFile(join(dir, segmentFile(1)), header);
  writeManifest(dir, manifest);
  // The names of the new directories must survive a power cut as their contents do.
  syncDirectory(dirname(dir));
  return { manifest, manifestBehind: false, last: 0, lastAt: 0, active: header, mended: undefined };
}

/** Verifies again those sealed segments that are not as they were last seen. */
function verifySealed(dir: string, manifest: Manifest): void {
  for (const sealed of manifest.sealed) {
    const file = join(dir, segmentFile(sealed.first));
    const stamp = stampOf(file);
    if (stamp.bytes === sealed.bytes && stamp.mtimeMs === sealed.mtimeMs) continue;
    verifyWhole(file, sealed);
    sealed.mtimeMs = stamp.mtimeMs;
  }
}

/** What the active segment holds, and where its last whole command ends. Throws where no crash explains it. */
export function examineActive(dir: string, manifest: Manifest): { data: Buffer; scan: Scan; end: End } {
  const file = join(dir, segmentFile(manifest.active));
  const data = readFileSync(file);
  const scan = scanSegment(data, manifest.active);
  const { header, damage } = scan;
  if (header === undefined) throw new JournalDamaged(file, ' line 1, byte 0', damage?.reason ?? 'there is no header');
  if (header.journal !== manifest.journal || header.epoch !== manifest.epoch)
    throw new JournalDamaged(file, ' line 1, byte 0', 'the segment belongs to another journal');
  if (damage && !scan.torn) throw new JournalDamaged(file, ` line ${damage.line}, byte ${damage.byte}`, damage.reason);
  const end = endOfLastWholeCommand(data, scan);
  if (manifest.clean && end.last < manifest.clean.last)
    throw new JournalDamaged(
      file,
      ` line ${scan.lines + 1}, byte ${end.bytes}`,
      `it ends at seq ${end.last}, but was closed in order at ${manifest.clean.last}`,
    );
  return { data, scan, end };
}

function openActive(dir: string, known: Manifest): Recovered {
  const { manifest, behind, unborn } = layoutOf(dir, known);
  if (unborn !== undefined) {
    rmSync(join(dir, segmentFile(unborn)));
    syncDirectory(dir);
  }
  verifyChain(dir, manifest);
  verifySealed(dir, manifest);
  const { data, scan, end } = examineActive(dir, manifest);
  const { clean } = manifest;
  const good = data.subarray(0, end.bytes);
  let mended: string | undefined;
  if (good.length < data.length) {
    mended = `cut ${data.length - good.length} bytes of an unfinished write from the end of ${segmentFile(manifest.active)} (after seq ${end.last})`;
    keepAside(dir, manifest.active, data.subarray(good.length));
  }
  // After an unclean stop the pages may be in memory and not on the disk: what is read again must be written again.
  const unclean = clean === undefined || clean.last !== end.last || clean.bytes !== data.length;
  if (unclean) writeAgain(join(dir, segmentFile(manifest.active)), good);
  delete manifest.clean;
  return {
    manifest,
    manifestBehind: !tryManifest(dir, manifest) && behind,
    last: end.last,
    lastAt: end.at ?? scan.header?.prev?.at ?? 0,
    active: good,
    mended,
  };
}

function writeAgain(file: string, data: Buffer): void {
  try {
    replaceFile(file, data);
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    rewriteInPlace(file, data);
  }
}

/** Writes the manifest where there is room. An older one is right as well: it lacks at most the newest segment. */
function tryManifest(dir: string, manifest: Manifest): boolean {
  try {
    writeManifest(dir, manifest);
    return true;
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    return false;
  }
}

/** Where damaged and unfinished parts of a journal are kept for people. */
export function quarantineOf(dir: string): string {
  const quarantine = join(dirname(dir), 'quarantine');
  makeDirectory(quarantine);
  return quarantine;
}

function keepAside(dir: string, first: number, tail: Buffer): void {
  const quarantine = quarantineOf(dir);
  for (let n = 1; ; n++) {
    const file = join(quarantine, `${segmentFile(first)}.torn-${n}`);
    if (existsSync(file)) continue;
    replaceFile(file, tail);
    return;
  }
}
