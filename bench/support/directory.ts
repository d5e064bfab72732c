import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const open = new Set<string>();

function remove(path: string): void {
  open.delete(path);
  rmSync(path, { recursive: true, force: true, maxRetries: 5 });
}

process.on('exit', () => {
  for (const path of open) remove(path);
});

/** A directory that is gone at the end of its scope, and in any case when the process ends. */
export function temporaryDirectory(): Disposable & { path: string } {
  const path = mkdtempSync(join(tmpdir(), 'reflectt-bench-'));
  open.add(path);
  return { path, [Symbol.dispose]: () => remove(path) };
}
