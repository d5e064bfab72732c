import { closeSync, existsSync, fsyncSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { JournalDamaged } from './damage.ts';
import { makeDirectory, replaceFile } from './files.ts';
import { type Inspection, inspect } from './inspect.ts';
import { layoutOf, verifyWhole } from './layout.ts';
import { MANIFEST_FILE, type Manifest, readManifest, writeManifest } from './manifest.ts';
import { examineActive } from './recovery.ts';
import { type KeptSegment, replaceJournal } from './replacement.ts';
import { scanSegment, segmentFile, stampOf } from './segment.ts';
import { endOfLastWholeCommand } from './whole-commands.ts';

/** A backup needs a directory of its own. */
export class NotEmpty extends Error {
  constructor(dir: string) {
    super(`${dir} is not empty. Name a directory that does not exist yet.`);
    this.name = 'NotEmpty';
  }
}

/**
 * Copies a journal, also while a server writes it: the sealed segments, and the active one up to its last whole command
 * that is on the disk. The copy is verified before this returns. Throws JournalRefused, {@link NotEmpty}.
 */
export function backUp(dir: string, target: string): Inspection {
  if (existsSync(target) && readdirSync(target).length > 0) throw new NotEmpty(target);
  makeDirectory(target);
  const onDisk = existsSync(dir) ? readManifest(dir) : undefined;
  if (onDisk === undefined) throw new JournalDamaged(join(dir, MANIFEST_FILE), '', 'it is missing');
  const { manifest } = layoutOf(dir, onDisk);
  const active = join(dir, segmentFile(manifest.active));
  // What is read below is then on the disk, whatever the server is doing with it.
  syncFile(active);
  const { data, end } = examineActive(dir, manifest);
  const copy: Manifest = { ...manifest, sealed: [], clean: { last: end.last, bytes: end.bytes } };
  for (const sealed of manifest.sealed) {
    const source = join(dir, segmentFile(sealed.first));
    verifyWhole(source, sealed);
    const file = join(target, segmentFile(sealed.first));
    replaceFile(file, readFileSync(source));
    copy.sealed.push({ ...sealed, mtimeMs: stampOf(file).mtimeMs });
  }
  replaceFile(join(target, segmentFile(manifest.active)), data.subarray(0, end.bytes));
  writeManifest(target, copy);
  return inspect(target);
}

function syncFile(file: string): void {
  // Windows flushes only what is opened for writing.
  const fd = openSync(file, 'r+');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Puts a backup in the place of a journal, which goes to `quarantine`, under a new epoch. Throws JournalRefused. */
export function restore(backup: string, dir: string, epoch: string): { last: number; quarantined: string | undefined } {
  const { manifest } = inspect(backup);
  return replaceJournal(dir, { journal: manifest.journal, epoch }, segmentsOf(backup, manifest));
}

function* segmentsOf(backup: string, manifest: Manifest): Generator<KeptSegment> {
  for (const first of [...manifest.sealed.map((sealed) => sealed.first), manifest.active]) {
    const data = readFileSync(join(backup, segmentFile(first)));
    const { bytes, last, at } = endOfLastWholeCommand(data, scanSegment(data, first));
    if (last >= first) yield { first, last, at: at as number, data: data.subarray(0, bytes) };
  }
}
