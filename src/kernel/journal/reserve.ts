import { existsSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFile } from './files.ts';

/** Held back on the disk, so that what is already acknowledged can be indexed and read when the rest is full. */
const RESERVE_BYTES = 1024 * 1024;
const FILE = 'reserve';

/** Takes the reserve from the disk. False where there is no room for it and as much again. */
export function keepReserve(dir: string): boolean {
  const file = join(dir, FILE);
  if (existsSync(file)) return true;
  try {
    const { bavail, blocks, bsize } = statfsSync(dir);
    // A small disk (a test's, a container's) gives a small part of itself.
    const bytes = Math.min(RESERVE_BYTES, Math.floor((blocks * bsize) / 16));
    if (bavail * bsize < bytes * 2) return false;
    replaceFile(file, Buffer.alloc(bytes));
    return true;
  } catch {
    return false;
  }
}

/** Gives the reserve back to the disk. */
export function releaseReserve(dir: string): void {
  rmSync(join(dir, FILE), { force: true });
}
