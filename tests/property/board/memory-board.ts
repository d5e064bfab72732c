import { expect } from 'vitest';
import { agents } from '../../../src/capabilities/agents/index.ts';
import { channels } from '../../../src/capabilities/channels/index.ts';
import { events } from '../../../src/capabilities/events/index.ts';
import { inbox } from '../../../src/capabilities/inbox/index.ts';
import { messages } from '../../../src/capabilities/messages/index.ts';
import { tasks } from '../../../src/capabilities/tasks/index.ts';
import { Refusal } from '../../../src/kernel/errors.ts';
import { Kernel } from '../../../src/kernel/kernel.ts';
import { MemoryJournal } from '../../support/memory-journal.ts';
import { MemoryStore } from '../../support/memory-store.ts';
import type { End, Step } from './acts.ts';
import type { Board } from './board.ts';
import {
  expectFolded,
  expectOrders,
  expectSame,
  expectStory,
  expectTasks,
  expectViews,
  standing,
  turn,
} from './checks.ts';
import { type Issued, Player } from './player.ts';

/** What a board needs: nothing else makes events beside its own. */
export const BOARD = [agents, channels, inbox, tasks, messages, events];

const FULL = new Refusal('disk_full', 'the journal keeps nothing');

/** What stood before a step. */
interface Before {
  board: Board;
  wall: number;
  orders: ReturnType<typeof standing>;
}

/** A board whose journal and index are in memory, so that a test says what is kept of a step. */
export class MemoryBoard implements AsyncDisposable {
  #journal = new MemoryJournal();
  #store = new MemoryStore();
  #older = new MemoryStore();
  readonly player = new Player({ kernel: undefined as never, head: () => this.#journal.head });
  #randoms = 0;

  static async open(): Promise<MemoryBoard> {
    const board = new MemoryBoard();
    await board.#open();
    return board;
  }

  async #open(): Promise<void> {
    const kernel = await Kernel.open({
      journal: this.#journal,
      store: this.#store,
      capabilities: BOARD,
      world: { clock: () => this.player.wall, random: (n) => String(this.#randoms++).padStart(n, '0') },
    });
    this.player.started(kernel);
  }

  async step(step: Step): Promise<void> {
    const { end, look } = step;
    const player = this.player;
    const before = { board: player.board, wall: player.wall, orders: standing(player.tasks) };
    const issued = player.begin(step);
    if (end.kind === 'kept') await this.#keep(issued);
    else if (end.kind === 'aborted') await this.#abort(issued, before);
    else await this.#crash(issued, end);
    // What the time has ended is due again where it was not kept.
    if (end.kind !== 'kept') await this.#keep(player.perform([]));
    const { folded, host } = player;
    for (const { frame } of this.#journal.records.slice(folded.seq)) folded.add(frame);
    expectFolded(folded, host.kernel, (table, id) => this.#store.get(table, id));
    expectOrders(player.tasks);
    await expectViews(player.board, look, player.ask);
  }

  async #keep(issued: readonly Issued[]): Promise<void> {
    await turn();
    this.#journal.commit();
    for (const each of issued) await this.player.expectAnswer(each);
    if (this.player.board.cards.size % 2 === 0) this.#older = this.#store.copy();
  }

  /** The journal keeps nothing of it: everything is as it was, in every order. */
  async #abort(issued: readonly Issued[], { board, wall, orders }: Before): Promise<void> {
    const player = this.player;
    await turn();
    const now = player.wall;
    // What there was nothing to do about is decided again on what was taken back, and taken back as well; by then the
    // clock stands where nothing is due, or it would never end.
    while (this.#journal.head > this.#journal.durable) {
      player.wall = wall;
      this.#journal.abort(FULL);
      expectTasks(board, player.tasks);
      expectSame(standing(player.tasks), orders, 'orders');
      await turn();
    }
    player.wall = now;
    player.goBack(this.#journal.durable, issued);
    for (const { call, played, retried, answer } of issued) {
      const outcome = await answer;
      // What was refused stood on what was taken back: it is decided again, and comes to whatever it comes to then.
      if (played.refusals.length === 0 && !retried && played.board.last === call) expect(outcome).toBe(FULL);
    }
  }

  /** The process ends when some of it is durable, and begins again with what is there. */
  async #crash(issued: readonly Issued[], { kept, index }: Extract<End, { kind: 'crashed' }>): Promise<void> {
    await turn();
    this.#journal.commit(kept);
    const acknowledged: number[] = [];
    for (const { answer } of issued)
      answer.then((outcome) => outcome instanceof Refusal || acknowledged.push(outcome.seq));
    await turn();
    const { durable, records } = this.#journal;
    for (const seq of acknowledged) expect(seq).toBeLessThanOrEqual(durable);
    const stores = { there: this.#store.copy(), older: this.#older.copy(), none: new MemoryStore() };
    const gone = this.player.host.kernel;
    this.#journal = new MemoryJournal({ records });
    this.#store = stores[index];
    this.#older = stores.older;
    this.player.goBack(durable, issued);
    await gone.close();
    await this.#open();
    expectTasks(this.player.board, this.player.tasks);
  }

  /** Claims that the journal tells the whole story. */
  async end(): Promise<void> {
    expectStory(this.player.board, this.player.folded);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.player.host.kernel.close();
  }
}
