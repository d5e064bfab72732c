import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openDatabase } from './sqlite.ts';

/** Another process has the data directory. */
export class DirectoryInUse extends Error {
  constructor(dir: string, owner: string | undefined) {
    super(
      `The data directory ${dir} is in use${owner === undefined ? '' : ` by ${owner}`}. Stop that process, or set DATA_DIR to another directory.`,
    );
    this.name = 'DirectoryInUse';
  }
}

export interface Lock {
  release(): void;
}

/**
 * Takes a directory for this process alone. The lock is the operating system's own file lock, which SQLite takes in its
 * portable way (fcntl, LockFileEx): it dies with the process, however the process dies. Throws {@link DirectoryInUse}.
 */
export function lockDirectory(dir: string): Lock {
  const ownerFile = join(dir, 'LOCK.owner');
  const database = openDatabase(join(dir, 'LOCK'), { timeout: 0 });
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (/locked|busy/i.test(String(error))) throw new DirectoryInUse(dir, readOwner(ownerFile));
    throw error;
  }
  try {
    writeFileSync(ownerFile, `process ${process.pid}, since ${new Date().toISOString()}\n`);
  } catch {
    // Only for people; a full disk must not keep the server from starting.
  }
  let held = true;
  return {
    release() {
      if (!held) return;
      held = false;
      rmSync(ownerFile, { force: true });
      database.exec('ROLLBACK');
      database.close();
    },
  };
}

function readOwner(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim() || undefined;
  } catch {
    return undefined;
  }
}
