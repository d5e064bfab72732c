import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFile } from './files.ts';

/** A segment that is complete and will not change again. */
export interface SealedSegment {
  first: number;
  last: number;
  bytes: number;
  sha256: string;
  /** When it was last seen to be whole; a file with another time or size is verified again. */
  mtimeMs: number;
}

/** What the journal consists of. A segment named here that is not on disk means lost records. */
export interface Manifest {
  journal: string;
  epoch: string;
  schema: number;
  sealed: SealedSegment[];
  /** First seq of the segment that is written to. */
  active: number;
  /** Set by an orderly close, gone while a process writes. */
  clean?: { last: number; bytes: number };
}

const FILE = 'manifest.json';

export function readManifest(dir: string): Manifest | undefined {
  const file = join(dir, FILE);
  if (!existsSync(file)) return undefined;
  return JSON.parse(readFileSync(file, 'utf8')) as Manifest;
}

export function writeManifest(dir: string, manifest: Manifest): void {
  replaceFile(join(dir, FILE), Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`));
}
