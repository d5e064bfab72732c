import {
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes a directory and those above it, where they are not there. Node's own `recursive` asks for ever where the system
 * denies a directory below one that is there (ENOENT), as /proc does.
 */
export function makeDirectory(dir: string): void {
  try {
    mkdirSync(dir);
  } catch (error) {
    if (statSync(dir, { throwIfNoEntry: false })?.isDirectory()) return;
    const above = dirname(dir);
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || above === dir || existsSync(above)) throw error;
    makeDirectory(above);
    makeDirectory(dir);
  }
}

/** Makes a new or renamed name durable. Windows has no such call and needs none for NTFS metadata. */
export function syncDirectory(dir: string): void {
  if (process.platform === 'win32') return;
  const fd = openSync(dir, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Writes all bytes or throws: `fs.writeSync` may return a short count on a full disk, with no error. */
function writeAll(fd: number, data: Buffer, position: number): void {
  for (let done = 0; done < data.length; ) {
    const n = writeSync(fd, data, done, data.length - done, position + done);
    if (n === 0) throw Object.assign(new Error('ENOSPC: wrote nothing'), { code: 'ENOSPC' });
    done += n;
  }
}

/**
 * Replaces a file so that a crash leaves the old or the new one, never a part: temp file, fsync, rename, fsync. Where
 * it throws before the rename, the old file is as it was and the temp file is gone.
 */
export function replaceFile(file: string, data: Buffer): void {
  const temp = `${file}.tmp`;
  try {
    const fd = openSync(temp, 'w');
    try {
      writeAll(fd, data, 0);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temp, file);
  } catch (error) {
    rmSync(temp, { force: true });
    throw error;
  }
  syncDirectory(dirname(file));
}

/** Writes a file's own bytes again without new blocks, cuts it after them, and syncs. For a disk that has no room. */
export function rewriteInPlace(file: string, data: Buffer): void {
  const fd = openSync(file, 'r+');
  try {
    writeAll(fd, data, 0);
    ftruncateSync(fd, data.length);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
