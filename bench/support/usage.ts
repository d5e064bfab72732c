import { readdirSync, readFileSync } from 'node:fs';

/** CPU time in microseconds. Not a number where the platform does not tell. */
export interface CpuTime {
  all: number;
  mainThread: number;
}

/** What a process has used so far (Linux). */
export function cpuTime(pid: number): CpuTime {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    const all = threads.reduce((sum, thread) => sum + threadTime(pid, thread), 0);
    return { all, mainThread: threadTime(pid, String(pid)) };
  } catch {
    return { all: Number.NaN, mainThread: Number.NaN };
  }
}

function threadTime(pid: number, thread: string): number {
  const [nanoseconds] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ');
  return Number(nanoseconds) / 1_000;
}

/** Resident memory in MB (Linux). Not a number where the platform does not tell. */
export function residentMb(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024;
  } catch {
    return Number.NaN;
  }
}
