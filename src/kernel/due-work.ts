import { Agenda } from './agenda.ts';
import type { Capability, Command, Moment } from './capability.ts';
import { Refusal } from './errors.ts';
import type { Event } from './event.ts';

export interface DueWorkOptions {
  capabilities: readonly Capability[];
  /** What the clock on the wall says: milliseconds since 1970. */
  wall(): number;
  /** What is known now. */
  moment(): Moment<never>;
  /** Decides and applies a command of the server's own. False where there was nothing to do. */
  perform(command: Command, input: Record<string, unknown>): boolean;
  /** Told of a fault, once for each try. */
  onFault(error: unknown): void;
}

/** The longest sleep: a clock that is set, or a machine that slept, is noticed after this many milliseconds. */
const LONGEST_MS = 10_000;
/** Milliseconds until what failed is tried again. */
const RETRY_MS = 1_000;
/** Turns of one command at a time. */
const TURNS = 1_000;
/** Milliseconds of one command at a time, and until it goes on, where what is done later harms nobody. */
const SLICE_MS = 200;
const REST_MS = 20;
/** Agents that one command writes about. */
const AGENTS = 200;

type Watch = NonNullable<Capability['watch']>;

interface Work {
  at(): number | undefined;
  command: Command;
  input(): Record<string, unknown>;
  /** When it may be tried again, where it failed. */
  notBefore: number;
  /** What is done later harms nobody. */
  mayLag: boolean;
  /** It has done much, and others have their turn. */
  rests: boolean;
}

function dueAt({ at, notBefore, rests }: Work): number {
  return rests ? Number.POSITIVE_INFINITY : Math.max(at() ?? Number.POSITIVE_INFINITY, notBefore);
}

/**
 * What capabilities do by themselves when its time has come: leases that expire, what recurs, agents that fall silent.
 * It is done before anybody else does or asks something, so that nobody sees a state which time has passed by, and by
 * a timer where nobody calls.
 */
export class DueWork {
  readonly #options: DueWorkOptions;
  readonly #work: Work[] = [];
  readonly #agendas: { agenda: Agenda; watch: Watch }[] = [];
  #next = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #performing = false;
  #closed = false;
  /** What is due next is looked for again at the end of this turn, or before that where somebody must know. */
  #stale = false;

  constructor(options: DueWorkOptions) {
    this.#options = options;
    const { state } = options.moment();
    const nothing = () => ({});
    for (const { due, watch } of options.capabilities) {
      if (due) this.#add(() => due.at(state), due.command, nothing, due.mayLag);
      if (watch) this.#watch(watch);
    }
  }

  #add(at: Work['at'], command: Command, input: Work['input'], mayLag = false): void {
    this.#work.push({ at, command, input, notBefore: 0, mayLag, rests: false });
  }

  #watch(watch: Watch): void {
    const { wall, moment } = this.#options;
    const agenda = new Agenda();
    this.#agendas.push({ agenda, watch });
    const until = (agent: string) => watch.until(agent, moment());
    const input = () => ({ agents: agenda.due(wall(), AGENTS) });
    this.#add(() => agenda.next(wall(), until), watch.command, input);
  }

  /** To be called once, when the state is there; the last that is written down is of `lastAt`. */
  begin(lastAt: number): void {
    const { state, wall, sightings } = this.#options.moment();
    const times = { started: wall, record: Math.min(wall, lastAt) };
    for (const { watch } of this.#agendas)
      for (const [agent, known] of watch.recall(state, times)) sightings.recall(agent, known);
    this.changed();
  }

  /** To be called when something was seen of an agent. */
  noticed(agent: string): void {
    for (const { agenda } of this.#agendas) agenda.touch(agent);
    this.#lookAgain();
  }

  /** To be called when events, of one agent's command where it is named, were applied or taken back. */
  happened(events: readonly Event[], actor?: string): void {
    for (const { agenda, watch } of this.#agendas) {
      if (actor !== undefined) agenda.touch(actor);
      for (const event of events) for (const agent of watch.touches(event)) agenda.touch(agent);
    }
    this.#lookAgain();
  }

  /** Does what is due. Never throws: what cannot be done now is tried again, and keeps nothing else from being done. */
  settle(): void {
    if (this.#stale) this.changed();
    if (this.#next === Number.POSITIVE_INFINITY || this.#performing || this.#closed) return;
    if (this.#options.wall() < this.#next) return;
    this.#performing = true;
    for (const work of this.#work) this.#exhaust(work);
    this.#performing = false;
    this.changed();
  }

  #exhaust(work: Work): void {
    const { wall, perform, onFault } = this.#options;
    const { command } = work;
    const enough = work.mayLag ? performance.now() + SLICE_MS : Number.POSITIVE_INFINITY;
    try {
      for (let turn = 0; turn < TURNS && dueAt(work) <= wall(); turn++) {
        if (!perform(command, work.input()) && dueAt(work) <= wall())
          throw new Error(`${command.name} is due and finds nothing to do`);
        if (performance.now() >= enough) this.#rest(work);
      }
    } catch (error) {
      work.notBefore = wall() + RETRY_MS;
      // A full disk has been told to whoever wanted to write, and to /health.
      if (!(error instanceof Refusal)) onFault(error);
    }
  }

  #rest(work: Work): void {
    work.rests = true;
    setTimeout(() => {
      work.rests = false;
      this.changed();
    }, REST_MS).unref();
  }

  /** A command is seen and then happens: one look is enough for both. */
  #lookAgain(): void {
    if (this.#stale) return;
    this.#stale = true;
    queueMicrotask(() => {
      if (this.#stale) this.changed();
    });
  }

  /** Looks when there is something to do next. */
  changed(): void {
    if (this.#performing) return;
    this.#stale = false;
    this.#next = Number.POSITIVE_INFINITY;
    for (const work of this.#work) this.#next = Math.min(this.#next, dueAt(work));
    if (this.#next < this.#timerAt) this.#arm();
  }

  #arm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#timerAt = this.#next;
    if (this.#next === Number.POSITIVE_INFINITY || this.#closed) return;
    const ms = Math.max(this.#next - this.#options.wall(), 0);
    this.#timer = setTimeout(
      () => {
        this.settle();
        this.#arm();
      },
      Math.min(Math.ceil(ms), LONGEST_MS),
    );
    this.#timer.unref();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }
}
