import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const DIST = fileURLToPath(new URL('../../dist/', import.meta.url));
const children = new Set<ChildProcess>();

process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

export interface Server extends AsyncDisposable {
  pid: number;
  port: number;
  /** Milliseconds from the start of the process until it said `Ready.`. */
  readyMs: number;
  /** Ends it and waits until it is gone. */
  end(signal?: NodeJS.Signals): Promise<void>;
}

export interface ServerOptions {
  /** A file of the build. */
  program?: string;
  dir: string;
  env?: Record<string, string>;
  /** Milliseconds until it must be ready. */
  timeout?: number;
  nodeArguments?: readonly string[];
}

/** Starts a built program as a process of its own and waits for `Ready.`. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { program = 'main.js', dir, env = {}, timeout = 30_000, nodeArguments = [] } = options;
  const began = performance.now();
  const child = spawn(process.execPath, [...nodeArguments, DIST + program], {
    env: {
      PATH: process.env.PATH,
      NODE_ENV: 'production',
      PORT: '0',
      DATA_DIR: dir,
      LOG_LEVEL: 'warn',
      // What is measured is not disturbed by a model, unless it is what is measured.
      EMBEDDINGS: 'none',
      ...env,
    },
    cwd: dir,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.add(child);
  const exited = once(child, 'exit').then(() => children.delete(child));
  let output = '';
  const ready = new Promise<number>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`${program} was not ready in ${timeout} ms:\n${output}`));
    }, timeout);
    child.stdout?.on('data', (data: Buffer) => {
      output += data.toString();
      if (!output.includes('Ready.\n')) return;
      clearTimeout(timer);
      resolve(performance.now() - began);
    });
    child.stderr?.on('data', (data: Buffer) => (output += data.toString()));
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      reject(new Error(`${program} ended with ${code ?? signal}:\n${output}`));
    });
  });
  const readyMs = await ready;
  const end = async (signal: NodeJS.Signals = 'SIGTERM') => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    await exited;
  };
  return {
    pid: child.pid as number,
    port: Number(/address\s+http:\/\/[^:]+:(\d+)/.exec(output)?.[1]),
    readyMs,
    end,
    [Symbol.asyncDispose]: () => end('SIGKILL'),
  };
}

interface Health {
  chat: { totalMessages: number };
  journal: { head: number };
}

export async function health({ port }: Pick<Server, 'port'>): Promise<Health> {
  const response = await fetch(`http://127.0.0.1:${port}/health`);
  if (response.status !== 200) throw new Error(`/health answers ${response.status}`);
  return (await response.json()) as Health;
}

/** Fails where the server does not hold exactly as many messages as it acknowledged: such a run measured nothing. */
export async function assertStored(server: Pick<Server, 'port'>, messages: number): Promise<void> {
  const { chat } = await health(server);
  if (chat.totalMessages !== messages)
    throw new Error(`${messages} messages were acknowledged, ${chat.totalMessages} are stored`);
}
