import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';

/** A directory that is gone when the test is over. */
export interface TemporaryDirectory extends Disposable {
  path: string;
}

/** Tests write below the system's temporary directory and nowhere else. */
export function assertTemporary(path: string): void {
  if (!`${realpathSync(path)}${sep}`.startsWith(`${realpathSync(tmpdir())}${sep}`))
    throw new Error(`${path} is not temporary`);
}

export function temporaryDirectory(): TemporaryDirectory {
  const path = mkdtempSync(join(tmpdir(), 'reflectt-test-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true, maxRetries: 5 }) };
}
