import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { JournalDamaged, JournalRefused } from './damage.ts';
import { layoutOf, verifyChain, verifyWhole } from './layout.ts';
import { MANIFEST_FILE, type Manifest, readManifest } from './manifest.ts';
import { examineActive } from './recovery.ts';
import { segmentFile } from './segment.ts';

/** What a journal holds, read from the first byte to the last without changing anything. */
export interface Inspection {
  manifest: Manifest;
  last: number;
  /** Bytes of whole commands in the active segment. */
  activeBytes: number;
  /** Bytes of an unfinished write at the end, which the next start cuts off. */
  torn: number;
}

/** Verifies every line of every segment. Throws JournalRefused, as a start would. */
export function inspect(dir: string): Inspection {
  const onDisk = existsSync(dir) ? readManifest(dir) : undefined;
  if (onDisk === undefined) throw new JournalDamaged(join(dir, MANIFEST_FILE), '', 'it is missing');
  const { manifest } = layoutOf(dir, onDisk);
  verifyChain(dir, manifest);
  for (const sealed of manifest.sealed) verifyWhole(join(dir, segmentFile(sealed.first)), sealed);
  const { data, end } = examineActive(dir, manifest);
  return { manifest, last: end.last, activeBytes: end.bytes, torn: data.length - end.bytes };
}

/** The same, with the refusal as the answer. */
export function problemOf(dir: string): JournalRefused | undefined {
  try {
    inspect(dir);
    return undefined;
  } catch (error) {
    if (error instanceof JournalRefused) return error;
    throw error;
  }
}
