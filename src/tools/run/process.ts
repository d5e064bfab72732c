import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import type { Duplex, Readable } from 'node:stream';
import type { ToolFault, ToolOutcome } from '../../kernel/toolbox.ts';
import { type Called, type FromTool, type Job, PIPE, readLines } from './frames.ts';

export interface ProcessSettings {
  /** The program: see run/main.ts. */
  runner: string;
  env: Record<string, string>;
  cwd: string;
  /** MiB of its heap; all of the process may have OVERHEAD_MB more. */
  memoryMb: number;
  /** Folders that it may read, and write: Node refuses all others. */
  reads: readonly string[];
  writes: readonly string[];
  /** It may start processes of its own, which nothing of this holds. */
  mayStartProcesses: boolean;
  ms: number;
  /** Calls another tool for it. */
  call(name: string, input: Record<string, unknown>): Promise<ToolOutcome>;
}

/** MiB that a process has beside its heap. */
const OVERHEAD_MB = 128;
/** Bytes of standard error that are remembered. */
const TAIL = 4_096;
const WATCH_MS = 100;
const PAGE_BYTES = 4_096;

const PERMISSION = process.allowedNodeEnvironmentFlags.has('--permission')
  ? '--permission'
  : '--experimental-permission';

function flagsOf({ runner, memoryMb, reads, writes, mayStartProcesses }: ProcessSettings): string[] {
  return [
    `--max-old-space-size=${memoryMb}`,
    '--no-warnings',
    PERMISSION,
    ...[...reads, ...writes].map((folder) => `--allow-fs-read=${folder}/*`),
    ...writes.map((folder) => `--allow-fs-write=${folder}/*`),
    ...(mayStartProcesses ? ['--allow-child-process'] : []),
    runner,
  ];
}

/** In a group of its own, so that what it starts ends with it. Where there is a shell, the system bounds its CPU time. */
function start(settings: ProcessSettings): ChildProcess {
  const { env, cwd, ms } = settings;
  const options = { env, cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] as ('ignore' | 'pipe')[] };
  const flags = flagsOf(settings);
  if (process.platform === 'win32') return spawn(process.execPath, flags, options);
  // A loop outlives a server that was killed; not for ever, because of this.
  const seconds = Math.ceil(ms / 1_000) * 4 + 10;
  const script = `ulimit -c 0; ulimit -t ${seconds}; exec "$0" "$@"`;
  return spawn('/bin/sh', ['-c', script, process.execPath, ...flags], options);
}

/** Ends a process and all of its group. */
function kill(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    child.kill('SIGKILL');
  }
}

/** Bytes of memory that a process has; undefined where the system does not say. */
function memoryOf(pid: number): number | undefined {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE_BYTES;
  } catch {
    return undefined;
  }
}

/** Keeps the end of what a stream says. */
function tailOf(stream: Readable | null): () => string {
  let tail = Buffer.alloc(0);
  stream?.on('data', (chunk: Buffer) => {
    tail = Buffer.concat([tail, chunk]).subarray(-TAIL);
  });
  stream?.on('error', () => {});
  return () => tail.toString('utf8').trim();
}

/** One call in a process of its own. */
export interface RunningTool {
  /** Fulfilled when the process and its group are gone. */
  outcome: Promise<ToolOutcome>;
  stop(): void;
}

export function runProcess(job: Job, settings: ProcessSettings): RunningTool {
  const child = start(settings);
  const pipe = child.stdio[PIPE] as Duplex | null;
  const errors = tailOf(child.stderr);
  child.stdout?.resume();
  child.stdout?.on('error', () => {});
  let outcome: ToolOutcome | undefined;

  /** The first word counts; with it the process is over. */
  const finish = (what: ToolOutcome) => {
    outcome ??= what;
    kill(child);
  };
  const fault = (code: ToolFault['code'], message: string) => finish({ ok: false, fault: { code, message } });

  const receive = (line: string) => {
    let frame: FromTool;
    try {
      frame = JSON.parse(line) as FromTool;
    } catch {
      return fault('crashed', 'It wrote what is no frame to the pipe of the server.');
    }
    if (frame.type === 'done') finish({ ok: true, result: frame.result ?? null });
    else if (frame.type === 'failed') fault(frame.code === 'too_large' ? 'too_large' : 'failed', String(frame.message));
    else if (frame.type === 'call') void callOther(frame);
  };
  const callOther = async ({ id, name, input }: Extract<FromTool, { type: 'call' }>) => {
    const called = await settings.call(String(name), input ?? {});
    const answer: Called = called.ok
      ? { id, ok: true, result: called.result }
      : { id, ok: false, message: called.fault.message };
    if (pipe?.writable) pipe.write(`${JSON.stringify(answer)}\n`);
  };
  pipe?.on(
    'data',
    readLines(receive, () => fault('too_large', 'It wrote more than a result may hold.')),
  );
  // The process ended: told by `close`.
  pipe?.on('error', () => {});
  pipe?.write(`${JSON.stringify(job)}\n`);

  const timer = setTimeout(() => fault('timeout', `It took longer than ${settings.ms} ms.`), settings.ms);
  const limit = (settings.memoryMb + OVERHEAD_MB) * 1024 * 1024;
  const watch = setInterval(() => {
    const memory = child.pid === undefined ? undefined : memoryOf(child.pid);
    if (memory !== undefined && memory > limit)
      fault('out_of_memory', `It took more than ${settings.memoryMb + OVERHEAD_MB} MiB.`);
  }, WATCH_MS);
  try {
    if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {}

  return {
    stop: () => fault('stopped', 'The server stopped.'),
    outcome: new Promise((resolve) => {
      const over = (what: ToolOutcome) => {
        clearTimeout(timer);
        clearInterval(watch);
        kill(child);
        resolve(outcome ?? what);
      };
      child.once('error', ({ message }) =>
        over({ ok: false, fault: { code: 'crashed', message: `It could not be started: ${message}` } }),
      );
      child.once('close', (code, signal) => over({ ok: false, fault: endOf(code, signal, errors()) }));
    }),
  };
}

/** Why a process ended that had not answered. */
function endOf(code: number | null, signal: NodeJS.Signals | null, errors: string): ToolFault {
  const output = errors === '' ? {} : { output: errors.slice(-2_000) };
  if (/heap out of memory|ERR_WORKER_OUT_OF_MEMORY/.test(errors))
    return { code: 'out_of_memory', message: 'Its heap is full.', ...output };
  const how = signal === null ? `with code ${code}` : `by ${signal}`;
  return { code: 'crashed', message: `Its process ended ${how} before it answered.`, ...output };
}
