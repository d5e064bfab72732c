import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { assertTemporary } from './directory.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface ServerProcess extends AsyncDisposable {
  child: ChildProcess;
  url: string;
  port: number;
  /** Everything it has printed so far, standard output and standard error. */
  output(): string;
  /** Ends it with a signal and waits until it is gone; answers its exit code, or null where the signal ended it. */
  end(signal?: NodeJS.Signals): Promise<number | null>;
}

export interface ProcessOptions {
  dir: string;
  env?: Record<string, string>;
  /** Put before the command: `['strace', '-f', …]`. */
  wrapper?: string[];
  /** Milliseconds until it must have said `Ready.`. */
  timeout?: number;
}

/**
 * Starts the server as a process of its own, from source, and waits for `Ready.`. Rejects with its output where it ends
 * first. It has no model unless one is asked for with EMBEDDINGS: the local one takes 230 MB.
 */
export async function serverProcess({
  dir,
  env = {},
  wrapper = [],
  timeout = 20_000,
}: ProcessOptions): Promise<ServerProcess> {
  assertTemporary(dir);
  const [command = '', ...args] = [...wrapper, process.execPath, '--import', 'tsx', 'src/main.ts'];
  const child = spawn(command, args, {
    cwd: ROOT,
    env: { PATH: process.env.PATH, PORT: '0', DATA_DIR: dir, LOG_LEVEL: 'warn', EMBEDDINGS: 'none', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout?.on('data', (data: Buffer) => (output += data.toString()));
  child.stderr?.on('data', (data: Buffer) => (output += data.toString()));
  const exited = once(child, 'exit');
  const until = Date.now() + timeout;
  while (!output.includes('\nReady.\n')) {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`the server ended with ${child.exitCode ?? child.signalCode}:\n${output}`);
    if (Date.now() > until) {
      child.kill('SIGKILL');
      throw new Error(`the server was not ready in ${timeout} ms:\n${output}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const url = /address\s+(http:\S+)/.exec(output)?.[1] ?? '';
  const end = async (signal: NodeJS.Signals = 'SIGTERM') => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill(signal);
      await exited;
    }
    return child.exitCode;
  };
  return {
    child,
    url,
    port: Number(new URL(url).port),
    output: () => output,
    end,
    [Symbol.asyncDispose]: async () => void (await end('SIGKILL')),
  };
}
