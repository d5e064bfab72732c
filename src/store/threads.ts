import { Worker } from 'node:worker_threads';

/**
 * Starts a worker of this folder, from the build or from source. Node 20 cannot load TypeScript in a worker, so from
 * source the worker begins with tsx, as the main thread did.
 */
export function startThread(name: string, data: unknown): Worker {
  const source = import.meta.url.endsWith('.ts');
  const url = new URL(`./${name}.${source ? 'ts' : 'js'}`, import.meta.url);
  const worker = source
    ? new Worker(
        `import('tsx/esm/api').then((tsx) => { tsx.register(); return import(${JSON.stringify(url.href)}); })`,
        { eval: true, workerData: data },
      )
    : new Worker(url, { workerData: data });
  return worker;
}
