import { readlinkSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { Worker } from 'node:worker_threads';

/**
 * Starts a module beside the caller (its `import.meta.url`) as a thread, from the build or from source. Node 20 cannot
 * load TypeScript in a worker, so from source the worker begins with tsx, as the main thread did.
 */
export function startThread(caller: string, name: string, data: unknown): Worker {
  const source = caller.endsWith('.ts');
  const url = new URL(`./${name}.${source ? 'ts' : 'js'}`, caller);
  const worker = source
    ? new Worker(
        `import('tsx/esm/api').then((tsx) => { tsx.register(); return import(${JSON.stringify(url.href)}); })`,
        { eval: true, workerData: data },
      )
    : new Worker(url, { workerData: data });
  return worker;
}

/**
 * Lets everything that answers go first: this thread has time, an acknowledgement has not. Linux gives each thread a
 * priority of its own (setpriority(2), NOTES); elsewhere all threads stay alike.
 */
export function yieldToAnswers(): void {
  try {
    const thread = readlinkSync('/proc/thread-self').split('/').at(-1);
    setPriority(Number(thread), constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {}
}
