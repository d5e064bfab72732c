import type { Task } from '../../../src/capabilities/tasks/state.ts';
import { Refusal } from '../../../src/kernel/errors.ts';
import type { Kernel, Outcome } from '../../../src/kernel/kernel.ts';
import type { Json } from '../../support/node.ts';
import { type Act, callOf, type Step } from './acts.ts';
import { type Board, type Call, EMPTY } from './board.ts';
import { type Ask, expectSame, expectTasks, Folded } from './checks.ts';
import { type Played, play } from './rules.ts';

/** A kernel, and where its journal stands. */
export interface Host {
  kernel: Kernel;
  head(): number;
}

/** A command that was sent, and what the model says must come of it. */
export interface Issued {
  call: Call;
  played: Played;
  retried: boolean;
  /** The journal's head after it. */
  head: number;
  answer: Promise<Outcome | Refusal>;
}

/** What the clock on the wall says at first. */
const BEGIN = 1_700_000_000_000;

/** Sends the same commands to a server and to the model, and claims after each that both are alike. */
export class Player {
  board: Board = EMPTY;
  wall = BEGIN;
  /** The board as it was after each command, by the journal's head then. */
  readonly boards = new Map<number, Board>([[0, EMPTY]]);
  readonly folded = new Folded();
  /** What happened so far, for whoever must understand a failure. */
  readonly transcript: string[] = [];
  /** What the clock said when the server was started. */
  began = BEGIN;
  readonly host: Host;
  #keys = 0;
  /** The newest command of which nothing was kept: sent again, it is done as if for the first time. */
  #lost: Call | undefined;

  constructor(host: Host) {
    this.host = host;
  }

  /** Goes on with a server that was started just now. */
  started(kernel: Kernel): void {
    this.host.kernel = kernel;
    this.began = this.wall;
  }

  get tasks() {
    return this.host.kernel.collection<Task>('tasks');
  }

  /** Lets time pass and sends the acts of a step, all in one turn of the event loop. */
  begin({ pause, acts, end }: Step): Issued[] {
    this.transcript.push(`${pause} ms later, to be ${JSON.stringify(end)}:`);
    this.wall += pause;
    return this.perform(acts);
  }

  perform(acts: readonly Act[]): Issued[] {
    // What the time has ended is ended first, by a command of its own.
    const issued = [this.#issue({ op: 'tasks.next', input: {}, key: this.#key() })];
    for (const act of acts) {
      const { last } = this.board;
      if (act.op !== 'retry') issued.push(this.#issue(callOf(act, this.board, this.#key())));
      else if (this.#lost) issued.push(this.#issue(this.#lost));
      else if (last && !issued.some(({ call }) => call === last)) issued.push(this.#retry(last));
      if (act.op === 'retry') this.#lost = undefined;
    }
    return issued;
  }

  /** Goes back to the board as of an event: what was done after it was not kept. */
  goBack(durable: number, issued: readonly Issued[]): void {
    this.board = this.boards.get(durable) as Board;
    this.#lost = issued.findLast(
      ({ head, call, played, retried }) => !retried && head > durable && played.board.last === call,
    )?.call;
  }

  #key(): string {
    return `k${this.#keys++}`;
  }

  #issue(call: Call): Issued {
    const { host, board } = this;
    const known = new Set([...this.tasks.values()].map(({ id }) => id));
    const head = host.head();
    const lastAt = Math.max(0, ...[...board.cards.values()].map(({ updatedAt }) => updatedAt));
    const answer = this.#send(call);
    const played = play(board, call, this, {
      task: (id) => this.tasks.get(id),
      made: () => [...this.tasks.values()].find(({ id }) => !known.has(id))?.id,
    });
    expectTasks(played.board, this.tasks);
    const acted = host.head() > head;
    // A refusal changes nothing, not even a number.
    expectSame(acted, played.told.size > 0 || played.board.last === call, `${call.op} makes events`);
    for (const id of played.told) expectSame((this.tasks.get(id)?.seq ?? head + 1) > head, true, 'a new tag');
    for (const id of played.changed)
      expectSame((this.tasks.get(id)?.updatedAt ?? lastAt + 1) > lastAt, true, 'a new time');
    this.board = played.board;
    this.boards.set(host.head(), played.board);
    return { call, played, retried: false, head: host.head(), answer };
  }

  /** Sends once more what was done already: it is answered, and nothing happens. */
  #retry(call: Call): Issued {
    const played = { board: this.board, refusals: [], told: new Set<string>(), changed: new Set<string>() };
    return { call, played, retried: true, head: this.host.head(), answer: this.#send(call) };
  }

  #send({ op, input, ifMatch, key }: Call): Promise<Outcome | Refusal> {
    this.transcript.push(`${key} ${op} ${JSON.stringify(input)} ${ifMatch ?? ''}`);
    return this.host.kernel.call(op, input as Json, { idempotencyKey: key, ifMatch }).catch((error) => {
      if (error instanceof Refusal) return error;
      throw error;
    });
  }

  /** Claims that a command was answered as the model says. */
  async expectAnswer({ call, played, retried, answer }: Issued): Promise<void> {
    const outcome = await answer;
    if (outcome instanceof Refusal) {
      // What came of a command that is sent again may have been deleted since, or its claim lost.
      const codes = retried ? ['task_deleted', 'stale_claim'] : played.refusals;
      return expectSame(codes.includes(outcome.code), true, `${call.op} is refused as ${outcome.code}`);
    }
    expectSame(played.refusals, [], `${call.op} is done`);
    this.host.kernel.operations.get(call.op)?.output.parse(outcome.value);
    if (retried) return expectSame(outcome.replayed, true, 'replayed');
    const value = outcome.value as Json;
    expectSame(value.task === null ? null : value.task?.id, played.task, `the task of ${call.op}`);
    expectSame(value.claim?.id, played.claim, `the claim of ${call.op}`);
  }

  ask: Ask = async (op, input) => (await this.host.kernel.call(op, input as Json, {})).value;
}
