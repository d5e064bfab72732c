import { existsSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeDirectory, replaceFile, syncDirectory } from './files.ts';
import { type Manifest, type SealedSegment, writeManifest } from './manifest.ts';
import { nextDirectory, quarantineOf } from './recovery.ts';
import { encodeHeader, SCHEMA, segmentFile, sha256, stampOf } from './segment.ts';

/** A segment's bytes as they go into a new journal. */
export interface KeptSegment {
  first: number;
  last: number;
  /** `at` of its last record. */
  at: number;
  data: Buffer;
}

/**
 * Makes a journal of kept segments beside the one that is there, under a new epoch, and puts it in its place in one
 * step: a crash leaves the old journal or the new one. The old one goes to `quarantine`; the answer says where.
 */
export function replaceJournal(
  dir: string,
  identity: { journal: string; epoch: string },
  segments: Iterable<KeptSegment>,
): { last: number; quarantined: string | undefined } {
  const next = nextDirectory(dir);
  rmSync(next, { recursive: true, force: true });
  makeDirectory(next);
  const sealed: SealedSegment[] = [];
  let at = 0;
  for (const kept of segments) {
    const file = join(next, segmentFile(kept.first));
    replaceFile(file, kept.data);
    const { first, last, data } = kept;
    sealed.push({ first, last, bytes: data.length, sha256: sha256(data), mtimeMs: stampOf(file).mtimeMs });
    at = kept.at;
  }
  const before = sealed.at(-1);
  const last = before?.last ?? 0;
  const { mtimeMs: _, ...prev } = before ?? { mtimeMs: 0 };
  const header = encodeHeader({
    seq: 0,
    type: '$segment',
    ...identity,
    first: last + 1,
    schema: SCHEMA,
    ...('last' in prev && { prev: { ...prev, at } }),
  });
  replaceFile(join(next, segmentFile(last + 1)), header);
  const manifest: Manifest = { ...identity, schema: SCHEMA, sealed, active: last + 1 };
  // Written last: a directory that has it is complete.
  writeManifest(next, manifest);
  return { last, quarantined: swap(dir, next) };
}

function swap(dir: string, next: string): string | undefined {
  let quarantined: string | undefined;
  if (existsSync(dir)) {
    quarantined = join(quarantineOf(dir), `journal-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`);
    renameSync(dir, quarantined);
    syncDirectory(dirname(quarantined));
  }
  renameSync(next, dir);
  syncDirectory(dirname(dir));
  return quarantined;
}
