import { type FSWatcher, rmSync, statSync, watch } from 'node:fs';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import type { ToolFolder } from '../kernel/toolbox.ts';
import { startThread } from '../store/threads.ts';
import type { Scan, ScanAnswer, ScanJob, Scanned } from './scan/worker.ts';

export interface CatalogueOptions {
  folders: readonly string[];
  /** Where modules are put together; emptied at start. */
  out: string;
  env: readonly string[];
  /** Told of a look that failed, and of a folder that cannot be read. */
  onFault(error: Error): void;
}

/** Milliseconds after the last change until the folders are looked at again. */
const QUIET_MS = 150;
/** Milliseconds between two looks at whether the folders themselves are there. */
const ROOTS_MS = 5_000;
/** Milliseconds that a look may take. */
const LOOK_MS = 60_000;

/** What is in the folders of tools: looked at in a thread of its own, again whenever something changes. */
export class Catalogue {
  readonly #options: CatalogueOptions;
  readonly #watchers = new Map<string, FSWatcher>();
  readonly #first: Promise<void>;
  readonly #tick: NodeJS.Timeout;
  #roots: string;
  #current: Scan | undefined;
  #byName = new Map<string, Scanned>();
  #looking: Promise<void> | undefined;
  #worker: Worker | undefined;
  #quiet: NodeJS.Timeout | undefined;
  #again = false;
  /** Where the system watches no more folders: they are looked at with each tick. */
  #blind = false;
  #looks = 0;
  #closed = false;

  constructor(options: CatalogueOptions) {
    this.#options = options;
    rmSync(options.out, { recursive: true, force: true });
    this.#roots = this.#rootsNow();
    this.#first = this.#look();
    this.#tick = setInterval(() => {
      const roots = this.#rootsNow();
      if (roots !== this.#roots || this.#blind) this.#changed();
      this.#roots = roots;
    }, ROOTS_MS).unref();
  }

  /** What was found last; waits for the first look. */
  async now(): Promise<Scan | undefined> {
    await this.#first;
    return this.#current;
  }

  async find(name: string): Promise<Scanned | undefined> {
    await this.#first;
    return this.#byName.get(name);
  }

  get folders(): readonly ToolFolder[] {
    return this.#current?.folders ?? this.#options.folders.map((path) => ({ path, tools: 0 }));
  }

  /** What was wrong with a folder when it was looked at last. */
  #errorOf(path: string): string | undefined {
    return this.#current?.folders.find((folder) => folder.path === path)?.error;
  }

  #rootsNow(): string {
    return this.#options.folders.map((path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs).join();
  }

  #changed(): void {
    if (this.#closed) return;
    clearTimeout(this.#quiet);
    this.#quiet = setTimeout(() => {
      if (this.#looking) this.#again = true;
      else void this.#look();
    }, QUIET_MS);
  }

  #look(): Promise<void> {
    this.#looking = this.#scan()
      .then((scan) => this.#take(scan))
      .catch((error: Error) => {
        if (!this.#closed) this.#options.onFault(error);
      })
      .finally(() => {
        this.#looking = undefined;
        if (this.#again && !this.#closed) this.#changed();
        this.#again = false;
      });
    return this.#looking;
  }

  #scan(): Promise<Scan> {
    const { folders, out, env } = this.#options;
    const job: ScanJob = { folders, env, out: join(out, String(++this.#looks)) };
    const worker = startThread(import.meta.url, 'scan/worker', job);
    this.#worker = worker;
    return new Promise<Scan>((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`tools were looked for longer than ${LOOK_MS} ms`)), LOOK_MS);
      worker.on('message', (answer: ScanAnswer) => {
        if ('watch' in answer) {
          this.#watch(new Set(answer.watch));
          worker.postMessage('go');
          return;
        }
        clearTimeout(late);
        if ('scan' in answer) resolve(answer.scan);
        else reject(new Error(`tools cannot be looked for: ${answer.error}`));
      });
      worker.once('error', reject);
      worker.once('exit', () => {
        clearTimeout(late);
        reject(new Error('the look for tools ended early'));
      });
    }).finally(() => worker.terminate());
  }

  #take(scan: Scan): void {
    if (this.#closed) return;
    for (const { path, error } of scan.folders)
      if (error !== undefined && error !== this.#errorOf(path)) this.#options.onFault(new Error(`${path}: ${error}`));
    this.#current = scan;
    this.#byName = new Map(scan.tools.flatMap((tool) => [[tool.qualified, tool] as const]));
    for (const tool of scan.tools) this.#byName.set(tool.name, tool);
    this.#watch(new Set(scan.watch));
    // Calls that have begun may still load from the look before.
    rmSync(join(this.#options.out, String(this.#looks - 2)), { recursive: true, force: true });
  }

  /** Each folder by itself: Node 20 on Linux watches whole trees by walking them. */
  #watch(folders: ReadonlySet<string>): void {
    this.#blind = false;
    if (this.#closed) return;
    for (const [path, watcher] of this.#watchers) {
      if (folders.has(path) && statSync(path, { throwIfNoEntry: false })) continue;
      watcher.close();
      this.#watchers.delete(path);
    }
    for (const path of folders) {
      if (this.#watchers.has(path)) continue;
      try {
        const watcher = watch(path, () => this.#changed());
        watcher.on('error', () => {
          watcher.close();
          this.#watchers.delete(path);
          this.#changed();
        });
        this.#watchers.set(path, watcher);
      } catch (error) {
        // It went away, or the system watches no more.
        this.#blind ||= (error as NodeJS.ErrnoException).code !== 'ENOENT';
      }
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#quiet);
    clearInterval(this.#tick);
    for (const watcher of this.#watchers.values()) watcher.close();
    await this.#worker?.terminate();
    await this.#looking;
  }
}
