import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from './directory.ts';

/** Runs a program; throws with its output where it fails. */
export function run(command: string, ...args: string[]): void {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr.trim()}`);
}

/**
 * Why a test cannot run on this machine; undefined where it can. The reason is shown, and with CI=true it is an error:
 * there the machine must allow everything.
 */
export function hindrance(attempt: () => void): string | undefined {
  try {
    attempt();
    return undefined;
  } catch (error) {
    const reason = (error as Error).message;
    if (process.env.CI === 'true') throw new Error(`this machine must be able to run every test: ${reason}`);
    process.stderr.write(`SKIPPED: ${reason}\n`);
    return reason;
  }
}

/** A small file system in memory, mounted below a temporary directory. Needs the right to mount. */
export function smallDisk(size: string): { path: string } & Disposable {
  const temp = temporaryDirectory();
  const path = join(temp.path, 'disk');
  mkdirSync(path);
  try {
    run('mount', '-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path);
  } catch (error) {
    temp[Symbol.dispose]();
    throw error;
  }
  return {
    path,
    [Symbol.dispose]() {
      run('umount', '-l', path);
      temp[Symbol.dispose]();
    },
  };
}
