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
  /** Called when something was noted of an agent. */
  after(agent: string): void;
}

const NEVER = Number.NEGATIVE_INFINITY;
const NOT_SEEN: Sighting = {
  connections: 0,
  waiting: 0,
  seen: { at: NEVER, seq: 0 },
  acted: { at: NEVER, seq: 0 },
  waited: NEVER,
  left: NEVER,
};

/** Signs of life by agent. Doors and the kernel note them; commands and queries read them, as they read the clock. */
export class Sightings {
  readonly #options: SightingsOptions;
  readonly #byAgent = new Map<string, Sighting>();

  constructor(options: SightingsOptions) {
    this.#options = options;
  }

  /** What was seen of an agent; of one that was never seen every time is minus infinity. */
  of(agent: string): Sighting {
    return this.#byAgent.get(agent) ?? NOT_SEEN;
  }

  /** Notes what is known from before the server started. */
  recall(agent: string, { seen = NEVER, acted = NEVER, waited = NEVER, left = NEVER }: Recollection): void {
    this.#note(agent, (_, { seq }) => {
      const mark = (at: number) => (at === NEVER ? NOT_SEEN.seen : { at, seq });
      return { seen: mark(seen), acted: mark(acted), waited, left };
    });
  }

  /** Notes a sign of life. */
  seen(agent: string): void {
    this.#options.before();
    this.#note(agent, (_, now) => ({ seen: now }));
  }

  /** Notes a command that changed something; the first of its events has this seq. */
  acted(agent: string, seq: number): void {
    this.#note(agent, (_, { at }) => ({ acted: { at, seq } }));
  }

  /** Notes a stream that names the agent. The answer ends it; an agent that says goodbye with its last is not here any more. */
  opened(agent: string): (goodbye?: boolean) => void {
    this.#options.before();
    this.#note(agent, ({ connections }, now) => ({ connections: connections + 1, seen: now }));
    return once((goodbye = false) =>
      this.#note(agent, (was, { at }) => {
        const connections = was.connections - 1;
        return goodbye && connections === 0 && was.waiting === 0 ? NOT_SEEN : { connections, left: at };
      }),
    );
  }

  /** Notes a request of the agent that waits; the answer ends it. */
  waits(agent: string): () => void {
    this.#note(agent, ({ waiting }, now) => ({ waiting: waiting + 1, seen: now }));
    return once(() => this.#note(agent, ({ waiting }, { at }) => ({ waiting: waiting - 1, waited: at, left: at })));
  }

  #note(agent: string, change: (was: Sighting, now: Mark) => Partial<Sighting>): void {
    const { wall, next, after } = this.#options;
    const was = this.of(agent);
    this.#byAgent.set(agent, { ...was, ...change(was, { at: wall(), seq: next() }) });
    after(agent);
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
