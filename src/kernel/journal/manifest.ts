import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { JournalDamaged, JournalTooNew } from './damage.ts';
import { replaceFile } from './files.ts';
import { SCHEMA } from './segment.ts';

const seq = z.int().min(0);

const SealedSegment = z.object({
  first: seq,
  last: seq,
  bytes: seq,
  sha256: z.string().length(64),
  /** When it was last seen to be whole; a file with another time or size is verified again. */
  mtimeMs: z.number(),
});
/** A segment that is complete and will not change again. */
export type SealedSegment = z.output<typeof SealedSegment>;

const Manifest = z.object({
  journal: z.string().min(1),
  epoch: z.string().min(1),
  schema: seq,
  sealed: z.array(SealedSegment),
  /** First seq of the segment that is written to. */
  active: z.int().min(1),
  /** Where an orderly close ended; it says nothing once the file is longer. */
  clean: z.object({ last: seq, bytes: seq }).optional(),
});
/** What the journal consists of. A segment named here that is not on disk means lost records. */
export type Manifest = z.output<typeof Manifest>;

export const MANIFEST_FILE = 'manifest.json';

/** Reads the manifest; undefined where there is none. Throws where it cannot be right. */
export function readManifest(dir: string): Manifest | undefined {
  const file = join(dir, MANIFEST_FILE);
  if (!existsSync(file)) return undefined;
  const manifest = parse(file, readFileSync(file, 'utf8'));
  let next = 1;
  for (const sealed of manifest.sealed) {
    if (sealed.first !== next || sealed.last < sealed.first)
      throw new JournalDamaged(file, '', `a segment from seq ${sealed.first} to ${sealed.last} where ${next} belongs`);
    next = sealed.last + 1;
  }
  if (manifest.active !== next)
    throw new JournalDamaged(file, '', `the active segment begins at seq ${manifest.active}, not at ${next}`);
  return manifest;
}

function parse(file: string, text: string): Manifest {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new JournalDamaged(file, '', 'it is not JSON');
  }
  const { schema } = (json ?? {}) as { schema?: unknown };
  if (typeof schema === 'number' && schema > SCHEMA) throw new JournalTooNew(file, schema, SCHEMA);
  const result = Manifest.safeParse(json);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new JournalDamaged(file, '', `${issue?.path.join('.')}: ${issue?.message}`);
}

/** Replaces the manifest in one step that a power cut cannot cut in two. */
export function writeManifest(dir: string, manifest: Manifest): void {
  replaceFile(join(dir, MANIFEST_FILE), Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`));
}
