import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing, replaceText } from './text-file.ts';
import { exportDay } from './workspace.ts';

/** The file of one day of one agent: `<agent>/<day>.md`. */
export interface DayFile {
  agent: string;
  /** YYYY-MM-DD */
  day: string;
}

/** What the files are made of. */
export interface DayFilesSource {
  /** Names the order of events: another one, and all files are made anew. */
  readonly epoch: string;
  /** Seq of the last event that changed anything in them; 0: none. Costs nothing. */
  changed(): number;
  /** Files that changed after event `seq`, as of another. */
  changedAfter(seq: number): Promise<{ seq: number; files: DayFile[] }>;
  /** Every file that is to be there. */
  all(): Promise<DayFile[]>;
  /** What is in a file, piece by piece; nothing where it is not to be there. */
  read(file: DayFile): AsyncIterable<string>;
  /** Calls once, at the next event. The answer takes the wish back. */
  onNext(wake: () => void): () => void;
}

export interface DayFilesOptions {
  /** Where the files are. */
  dir: string;
  source: DayFilesSource;
  /** Where OpenClaw reads them, where it is to. */
  workspace?: string | undefined;
  /** Milliseconds that a change waits for more of them. */
  waitMs?: number;
  /** Milliseconds until a failed write is tried again. */
  retryMs?: number;
  /** Told once of each failure, and when it is over: undefined. */
  onTrouble?: (error: Error | undefined) => void;
}

/** Change it when the files look otherwise: all are made anew. */
const FORMAT = 1;
/** Writing takes this share of the time at most: a wait so many times as long as the last write took. */
const REST = 10;
/** Milliseconds that an end is held up at most; what is not written then is written at the next start. */
const LAST_WRITES = 500;
const FILE = /^\d{4}-\d\d-\d\d\.md$/;

/** How far the files are, written down beside them. */
interface Mark {
  format: number;
  epoch: string;
  seq: number;
  workspace: string | null;
}

/** Keeps Markdown files as the state is: written behind it, in the background, and made again where they are missing. */
export class DayFiles {
  readonly #options: DayFilesOptions;
  readonly #mark: string;
  /** Files that are not as they are to be. */
  readonly #dirty = new Map<string, DayFile>();
  /** Up to here changes are in `#dirty` or in the files. */
  #seen = 0;
  #error: string | undefined;
  /** Files of others that are in the way of an export, by the key of the day. */
  readonly #inTheWay = new Map<string, string>();
  #unwake: () => void = () => {};
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #started = false;
  /** When writing ends. */
  #until = Number.POSITIVE_INFINITY;
  #closing = false;

  constructor(options: DayFilesOptions) {
    this.#options = options;
    this.#mark = join(options.dir, '.written.json');
    this.#schedule(0);
  }

  /** Why the files cannot be written, where they cannot. */
  get error(): string | undefined {
    return this.#error;
  }

  /** A file that another program wrote and that keeps a day from being exported. */
  get inTheWay(): string | undefined {
    return [...this.#inTheWay.values()][0];
  }

  /** Writes what is not written yet, where that is soon done, and ends. */
  async close(): Promise<void> {
    if (!this.#closing) {
      this.#closing = true;
      this.#until = performance.now() + LAST_WRITES;
      this.#unwake();
      clearTimeout(this.#timer);
      this.#running = this.#running.then(() => this.#round()).catch(() => {});
    }
    await this.#running;
  }

  #schedule(ms: number): void {
    if (this.#closing) return;
    this.#timer = setTimeout(() => {
      this.#running = this.#turn();
    }, ms);
  }

  async #turn(): Promise<void> {
    const began = performance.now();
    let wait = this.#options.waitMs ?? 500;
    try {
      await this.#round();
      this.#tell(undefined);
      wait = Math.max(wait, REST * (performance.now() - began));
    } catch (error) {
      this.#tell(error as Error);
      wait = this.#options.retryMs ?? 5_000;
      return this.#schedule(wait);
    }
    this.#sleep(wait);
  }

  /** Waits for a change, and then for more of them. */
  #sleep(wait: number): void {
    if (this.#closing) return;
    if (this.#options.source.changed() > this.#seen) return this.#schedule(wait);
    this.#unwake = this.#options.source.onNext(() => this.#sleep(wait));
  }

  #tell(error: Error | undefined): void {
    const before = this.#error;
    this.#error = error?.message;
    if ((before === undefined) !== (error === undefined)) this.#options.onTrouble?.(error);
  }

  /** Brings the files up to what is there now. */
  async #round(): Promise<void> {
    if (!this.#started) await this.#start();
    const { source } = this.#options;
    if (source.changed() > this.#seen) {
      const { seq, files } = await source.changedAfter(this.#seen);
      for (const file of files) this.#dirty.set(keyOf(file), file);
      this.#seen = seq;
    }
    if (this.#dirty.size === 0) return;
    let failed: unknown;
    for (const [key, file] of this.#dirty) {
      if (performance.now() > this.#until) return;
      try {
        await this.#write(file);
        this.#dirty.delete(key);
      } catch (error) {
        failed ??= error;
      }
    }
    if (failed !== undefined) throw failed;
    const { workspace = null } = this.#options;
    const mark: Mark = { format: FORMAT, epoch: source.epoch, seq: this.#seen, workspace };
    await replaceText(this.#mark, [JSON.stringify(mark)]);
  }

  /** Finds out what is missing, too much, or older than what is there now. */
  async #start(): Promise<void> {
    const { dir, source, workspace = null } = this.#options;
    const mark = await readMark(this.#mark);
    const holds = mark?.format === FORMAT && mark.epoch === source.epoch && mark.workspace === workspace;
    const seen = source.changed();
    const all = await source.all();
    const there = await filesIn(dir);
    for (const file of all) {
      if (!holds || !there.has(keyOf(file))) this.#dirty.set(keyOf(file), file);
      there.delete(keyOf(file));
    }
    for (const [key, file] of there) this.#dirty.set(key, file);
    this.#seen = holds ? mark.seq : seen;
    this.#started = true;
  }

  async #write(file: DayFile): Promise<void> {
    const { dir, source, workspace } = this.#options;
    const path = join(dir, file.agent, `${file.day}.md`);
    const pieces = source.read(file)[Symbol.asyncIterator]();
    const first = await pieces.next();
    if (first.done) await rm(path, { force: true });
    else await replaceText(path, beginningWith(first.value, pieces));
    if (workspace === undefined) return;
    const text = first.done ? undefined : await readFile(path, 'utf8');
    const inTheWay = await exportDay(workspace, file.agent, file.day, text);
    if (inTheWay === undefined) this.#inTheWay.delete(keyOf(file));
    else this.#inTheWay.set(keyOf(file), inTheWay);
  }
}

function keyOf({ agent, day }: DayFile): string {
  return `${agent}/${day}`;
}

async function* beginningWith(first: string, rest: AsyncIterator<string>): AsyncGenerator<string, void> {
  yield first;
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
}

async function readMark(file: string): Promise<Mark | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Mark;
  } catch (error) {
    if (isMissing(error) || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The files that are there, by their keys. */
async function filesIn(dir: string): Promise<Map<string, DayFile>> {
  const found = new Map<string, DayFile>();
  for (const agent of await directoriesIn(dir))
    for (const name of await readdir(join(dir, agent))) {
      const file = { agent, day: name.slice(0, 10) };
      if (FILE.test(name)) found.set(keyOf(file), file);
      // Left where the process was ended while it wrote.
      else if (name.endsWith('.md.tmp')) await rm(join(dir, agent, name), { force: true });
    }
  return found;
}

async function directoriesIn(dir: string): Promise<string[]> {
  try {
    const entries = await readdir(dir, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
