import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { Refusal } from '../../../src/kernel/errors.ts';
import { type OpenedKernel, openKernel } from '../../../src/node.ts';
import { temporaryDirectory } from '../../support/directory.ts';
import type { End, Step } from './acts.ts';
import { expectAnalytics, expectFolded, expectOrders, expectStory, expectTasks, expectViews, turn } from './checks.ts';
import { BOARD } from './memory-board.ts';
import { type Issued, Player } from './player.ts';

type Crashed = Extract<End, { kind: 'crashed' }>;

/** A board with its journal and its index in files, as a server has them. */
export class FileBoard implements AsyncDisposable {
  readonly #temp = temporaryDirectory();
  readonly player = new Player({ kernel: undefined as never, head: () => this.#journal.head });
  #node!: OpenedKernel;
  #lives = 0;
  #randoms = 0;
  #dir = join(this.#temp.path, 'life-0');
  /** A folder with the index as it once was. */
  #older = this.#temp.path;

  static async open(): Promise<FileBoard> {
    const board = new FileBoard();
    await board.#open();
    return board;
  }

  get #journal() {
    return this.#node.kernel.health().journal;
  }

  async #open(): Promise<void> {
    this.#node = await openKernel({
      config: { DATA_DIR: this.#dir, DURABILITY: { mode: 'always' }, SEGMENT_MIB: 1 },
      capabilities: BOARD,
      world: { clock: () => this.player.wall, random: (n) => String(this.#randoms++).padStart(n, '0') },
    });
    this.player.started(this.#node.kernel);
  }

  async step(step: Step): Promise<void> {
    const { end, look } = step;
    const player = this.player;
    const issued = player.begin(step);
    if (end.kind === 'crashed' && end.kept > 0) {
      await this.#crash(issued, end);
    } else {
      for (const each of issued) await player.expectAnswer(each);
      if (end.kind === 'crashed') await this.#restart(end);
    }
    // What the time has ended is due again where it was not kept.
    for (const each of player.perform([])) await player.expectAnswer(each);
    expectOrders(player.tasks);
    await expectViews(player.board, look, player.ask);
  }

  /** Ends in order, and begins again. */
  async #restart({ index }: Crashed): Promise<void> {
    await this.#node.close();
    if (index !== 'there') this.#useIndex(index === 'older' ? this.#older : undefined);
    await this.#open();
    expectTasks(this.player.board, this.player.tasks);
  }

  /** Ends at once, while it writes: it goes on in a folder that has what the files held then. */
  async #crash(issued: readonly Issued[], { kept, index }: Crashed): Promise<void> {
    let acknowledged = 0;
    for (const { answer } of issued)
      answer.then((outcome) => {
        if (!(outcome instanceof Refusal)) acknowledged = Math.max(acknowledged, outcome.seq);
      });
    for (let turns = 1; turns < kept; turns++) await turn();
    const before = join(this.#temp.path, `index-${++this.#lives}`);
    const next = join(this.#temp.path, `life-${this.#lives}`);
    // The index first: it is written after the journal, and must not be ahead of it.
    copyIndex(this.#dir, before);
    cpSync(join(this.#dir, 'journal'), join(next, 'journal'), { recursive: true });
    const least = acknowledged;
    // The orderly end is of no use to the copy.
    await this.#node.close();
    this.#dir = next;
    this.#useIndex({ there: before, older: this.#older, none: undefined }[index]);
    this.#older = before;
    await this.#open();
    const { durable } = this.#journal;
    expect(durable).toBeGreaterThanOrEqual(least);
    this.player.goBack(durable, issued);
    expectTasks(this.player.board, this.player.tasks);
  }

  #useIndex(from: string | undefined): void {
    for (const name of INDEX) rmSync(join(this.#dir, name), { force: true });
    if (from !== undefined) copyIndex(from, this.#dir);
  }

  /** Claims that the journal tells the whole story, and that the index and the statistics know it. */
  async end(): Promise<void> {
    const { kernel } = this.#node;
    const { board, folded, ask } = this.player;
    while (folded.seq < this.#journal.durable) {
      const { events } = await ask('events.list', { after: folded.seq === 0 ? 'earliest' : String(folded.seq) });
      for (const event of events) folded.add(JSON.stringify(event));
    }
    await kernel.context(undefined).index((view) => {
      const rows = (table: string) =>
        new Map(view.all<{ id: string; doc: string }>(`SELECT id, doc FROM ${table}`).map(({ id, doc }) => [id, doc]));
      const tables = { task_runs: rows('task_runs'), task_history: rows('task_history') };
      expectFolded(folded, kernel, (table, id) => JSON.parse(tables[table].get(id) ?? 'null'));
    });
    expectStory(board, folded);
    await expectAnalytics(board, ask);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#node.close();
    this.#temp[Symbol.dispose]();
  }
}

const INDEX = ['index.sqlite', 'index.sqlite-wal', 'index.sqlite-shm'];

/** Copies an index that may be being written, as far as it is one: the rest is made anew from the log beside it. */
function copyIndex(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const name of INDEX.slice(0, 2)) if (existsSync(join(from, name))) cpSync(join(from, name), join(to, name));
}
