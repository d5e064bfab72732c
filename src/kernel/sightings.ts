/** When something was done: the time in milliseconds since 1970, and the seq that the next event got. */
export interface Mark {
  readonly at: number;
  readonly seq: number;
}

/** What the server sees of an agent by itself, and forgets when it stops. Times are milliseconds since 1970. */
export interface Sighting {
  /** Open streams that name it. */
  readonly connections: number;
  /** Its requests that wait for something. */
  readonly waiting: number;
  /** Its last sign of life: any command, a heartbeat, a stream that it opened, the beginning of a wait. */
  readonly seen: Mark;
  /** Its last command that changed something. */
  readonly acted: Mark;
  /** When the last of its requests that waited ended. */
  readonly waited: number;
  /** When the last of its streams and of its requests that waited ended. */
  readonly left: number;
}

/** What may be known of an agent from before the server started: times. */
export type Recollection = { readonly [F in 'seen' | 'acted' | 'waited' | 'left']?: number };

export interface SightingsOptions {
  /** What the clock on the wall says: milliseconds since 1970. */
  wall(): number;
  /** The seq that the next event will get. */
  next(): number;
  /** Called before a sign of life is noted: what time has brought about until then comes first. */
  before(): void;
  /** Called when something was noted of an agent, but for an act: its events tell it. */
  after(agent: string): void;
}

const NEVER = Number.NEGATIVE_INFINITY;
const AT_NO_TIME: Mark = { at: NEVER, seq: 0 };

type Record = { -readonly [F in keyof Sighting]: Sighting[F] };

function notSeen(): Record {
  return { connections: 0, waiting: 0, seen: AT_NO_TIME, acted: AT_NO_TIME, waited: NEVER, left: NEVER };
}

/** Signs of life by agent. Doors and the kernel note them; commands and queries read them, as they read the clock. */
export class Sightings {
  readonly #options: SightingsOptions;
  readonly #byAgent = new Map<string, Record>();

  constructor(options: SightingsOptions) {
    this.#options = options;
  }

  /** What was seen of an agent until now; of one that was never seen every time is minus infinity. */
  of(agent: string): Sighting {
    return this.#byAgent.get(agent) ?? notSeen();
  }

  /** Notes what is known from before the server started. */
  recall(agent: string, { seen = NEVER, acted = NEVER, waited = NEVER, left = NEVER }: Recollection): void {
    const seq = this.#options.next();
    const mark = (at: number) => (at === NEVER ? AT_NO_TIME : { at, seq });
    Object.assign(this.#record(agent), { seen: mark(seen), acted: mark(acted), waited, left });
    this.#options.after(agent);
  }

  /** Notes a sign of life. */
  seen(agent: string): void {
    this.#options.before();
    this.#record(agent).seen = this.#now();
    this.#options.after(agent);
  }

  /** Notes that the command of which the last sign came has changed something; the first of its events has this seq. */
  acted(agent: string, seq: number): void {
    this.#record(agent).acted = { at: this.#options.wall(), seq };
  }

  /** Notes a stream that names the agent. The answer ends it; an agent that says goodbye with its last is not here any more. */
  opened(agent: string): (goodbye?: boolean) => void {
    this.#options.before();
    const record = this.#record(agent);
    record.connections++;
    record.seen = this.#now();
    this.#options.after(agent);
    return once((goodbye = false) => {
      record.connections--;
      if (goodbye && record.connections === 0 && record.waiting === 0) Object.assign(record, notSeen());
      else record.left = this.#options.wall();
      this.#options.after(agent);
    });
  }

  /** Notes a request of the agent that waits; the answer ends it. */
  waits(agent: string): () => void {
    const record = this.#record(agent);
    record.waiting++;
    record.seen = this.#now();
    this.#options.after(agent);
    return once(() => {
      record.waiting--;
      record.waited = record.left = this.#options.wall();
      this.#options.after(agent);
    });
  }

  #record(agent: string): Record {
    let record = this.#byAgent.get(agent);
    if (record === undefined) this.#byAgent.set(agent, (record = notSeen()));
    return record;
  }

  #now(): Mark {
    return { at: this.#options.wall(), seq: this.#options.next() };
  }
}

/** The same, done the first time only. */
function once<A extends unknown[]>(act: (...args: A) => void): (...args: A) => void {
  let done = false;
  return (...args) => {
    if (!done) act(...args);
    done = true;
  };
}
