/** Seconds of a claim in this test. */
export const LEASE = 7;
/** Seconds between two waits that are one. */
const AGAIN = 10;

interface Agent {
  streams: number;
  waits: number;
  /** When it last gave a sign, acted, ended a wait, ended a stream or wait; in seconds. */
  sign: number;
  act: number;
  waited: number;
  left: number;
  /** What it said of itself and still holds. */
  word: { status: string; task?: string | undefined } | undefined;
  /** It has given no sign since it said that it is offline. */
  silent: boolean;
}

const NEVER = Number.NEGATIVE_INFINITY;
const unseen = () => ({ streams: 0, waits: 0, sign: NEVER, act: NEVER, waited: NEVER, left: NEVER });

export interface Shown {
  status: string;
  task?: string | undefined;
  declared: boolean;
}

/** How agents are, found by looking at everybody each second: no agenda, no memory of when to look again. */
export class Model {
  readonly #agents = new Map<string, Agent>();
  /** Claims in the order in which they were made. */
  #claims: { task: string; agent: string; until: number }[] = [];
  readonly #idle: number;
  readonly #offline: number;
  now = 0;

  /** Seconds until an agent is idle, and until it is offline. */
  constructor(idle: number, offline: number) {
    this.#idle = idle;
    this.#offline = offline;
  }

  /** Time passes, second by second. */
  pass(seconds: number): void {
    for (let i = 0; i < seconds; i++) {
      this.now++;
      this.#claims = this.#claims.filter(({ until }) => until > this.now);
      for (const name of this.#agents.keys()) this.#forget(name);
    }
  }

  /** What nothing keeps true any more is gone for good. */
  #forget(name: string): void {
    const agent = this.#agent(name);
    if (agent.word !== undefined && !this.shown(name).declared) agent.word = undefined;
  }

  #agent(name: string): Agent {
    let agent = this.#agents.get(name);
    if (agent === undefined) this.#agents.set(name, (agent = { ...unseen(), word: undefined, silent: false }));
    return agent;
  }

  shown(name: string): Shown {
    const agent = this.#agent(name);
    const within = (time: number, seconds: number) => this.now - time < seconds;
    const claim = this.#claims.find((each) => each.agent === name);
    const said = agent.word && { ...agent.word, declared: true };
    if (agent.word?.status === 'offline' && agent.silent) return { status: 'offline', declared: true };
    const here = [
      claim,
      agent.streams > 0,
      agent.waits > 0,
      within(agent.sign, this.#offline),
      within(agent.left, this.#offline),
    ];
    if (!here.some(Boolean)) return { status: 'offline', declared: false };
    const busy = said && said.status !== 'idle' && said.status !== 'offline';
    if (busy && (claim || within(agent.sign, this.#idle))) return said;
    if (claim) return { status: 'working', task: claim.task, declared: false };
    if (agent.waits > 0 || within(agent.waited, AGAIN)) return { status: 'waiting', declared: false };
    if (within(agent.act, this.#idle)) return { status: 'working', declared: false };
    return { status: 'idle', declared: said?.status === 'idle' };
  }

  holder(task: string): string | undefined {
    return this.#claims.find((claim) => claim.task === task)?.agent;
  }

  sign(name: string): void {
    const agent = this.#agent(name);
    agent.sign = this.now;
    agent.silent = false;
    this.#forget(name);
  }

  act(name: string): void {
    this.sign(name);
    this.#agent(name).act = this.now;
    this.#forget(name);
  }

  say(name: string, status: string, task: string | undefined): void {
    this.sign(name);
    const agent = this.#agent(name);
    const before = { ...this.shown(name) };
    const was = { word: agent.word, silent: agent.silent, act: agent.act };
    agent.word = { status, task };
    agent.silent = status === 'offline';
    agent.act = NEVER;
    const after = this.shown(name);
    const same = before.status === after.status && before.task === after.task && before.declared === after.declared;
    // A word that changes nothing is not kept.
    if (same && status !== 'offline') Object.assign(agent, was);
    this.#forget(name);
  }

  open(name: string): void {
    this.sign(name);
    this.#agent(name).streams++;
  }

  close(name: string, goodbye: boolean): void {
    const agent = this.#agent(name);
    agent.streams--;
    if (goodbye && agent.streams === 0 && agent.waits === 0) Object.assign(agent, unseen());
    else agent.left = this.now;
    this.#forget(name);
  }

  wait(name: string): void {
    this.sign(name);
    this.#agent(name).waits++;
  }

  answer(name: string): void {
    const agent = this.#agent(name);
    agent.waits--;
    agent.waited = this.now;
    agent.left = this.now;
    this.#forget(name);
  }

  claim(task: string, name: string): void {
    this.act(name);
    this.#claims.push({ task, agent: name, until: this.now + LEASE });
    this.#agent(name).word = undefined;
  }

  release(task: string, name: string): void {
    this.act(name);
    this.#claims = this.#claims.filter((claim) => claim.task !== task);
    this.#forget(name);
  }

  /** The server is stopped and started; what was written down ends at `record`. */
  restart(record: number): void {
    for (const [name, agent] of this.#agents) {
      const { status } = this.shown(name);
      const { word, silent } = agent;
      Object.assign(agent, { ...unseen(), word, silent });
      if (status === 'offline') continue;
      agent.sign = record;
      agent.left = this.now;
      if (status === 'working') agent.act = record;
      if (status === 'waiting') agent.waited = this.now;
    }
    for (const name of this.#agents.keys()) this.#forget(name);
  }
}
