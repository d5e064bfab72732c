import { closeSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

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
export function writeAll(fd: number, data: Buffer, position: number): void {
  for (let done = 0; done < data.length; ) {
    const n = writeSync(fd, data, done, data.length - done, position + done);
    if (n === 0) throw Object.assign(new Error('ENOSPC: wrote nothing'), { code: 'ENOSPC' });
    done += n;
  }
}

/** Replaces a file so that a crash leaves the old or the new one, never a part: temp file, fsync, rename, fsync. */
export function replaceFile(file: string, data: Buffer): void {
  const temp = `${file}.tmp`;
  const fd = openSync(temp, 'w');
  try {
    writeAll(fd, data, 0);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(temp, file);
  syncDirectory(dirname(file));
}
