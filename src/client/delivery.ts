import type { Event } from '../kernel/event.ts';

/** What a subscription brings, in order. */
export type Delivery =
  /** The state as of the cursor: at the start where it was asked for, and wherever the stream could not be continued. */
  | { kind: 'snapshot'; cursor: string; seq: number; state: Snapshot; reason: 'start' | ResetReason }
  | { kind: 'event'; cursor: string; event: Event }
  /** What is not kept, such as a heartbeat: only where it was asked for. */
  | { kind: 'ephemeral'; event: Omit<Event, 'seq'> }
  /** Everything that matches up to the cursor was brought. */
  | { kind: 'sync'; cursor: string; upToDate: boolean };

/** Why a stream could not go on: another journal, a cursor ahead of it, events that are no longer kept, a damaged file. */
export type ResetReason = 'epoch' | 'ahead' | 'expired' | 'damaged' | 'invalid';

/** The live state, by collection. */
export type Snapshot = Readonly<Record<string, unknown>>;

/** Which events: all that is given must match. Names may end with `*`. */
export interface EventFilter {
  /** `task_*`, `message_posted` … */
  types?: readonly string[] | undefined;
  /** Kinds of things: `message`, `task`, `chat` … */
  topics?: readonly string[] | undefined;
  channels?: readonly string[] | undefined;
  /** Ids of what changed. */
  subjects?: readonly string[] | undefined;
  /** Who did it. */
  actors?: readonly string[] | undefined;
  /** Only what is addressed to this agent: DMs, mentions, its tasks, the channels that it follows. */
  agent?: string | undefined;
}

/** What one connection is to bring. */
export interface Wish {
  /** The cursor after which events are wanted; from now on where there is none. */
  after: string | undefined;
  /** Why the state is wanted first; undefined: it is not. */
  snapshot: 'start' | ResetReason | undefined;
  filter: EventFilter;
  ephemeral: boolean;
}

/** What a door tells of its connection. Each may throw {@link Broken}. */
export interface Receiver {
  /** The server speaks. */
  opened(): void;
  /** Anything came, this many characters. */
  heard(characters: number): void;
  snapshot(cursor: unknown, state: unknown, reason: 'start' | ResetReason): void;
  events(events: unknown, epoch: string): void;
  ephemeral(events: unknown): void;
  sync(cursor: unknown, upToDate: unknown): void;
  latency(ms: number): void;
}

/** How a connection ended. */
export interface End {
  /** Not to be tried again. */
  fatal?: Error;
  /** Why it ended, for who looks. */
  cause?: unknown;
  /** The server asks not to come back before so many milliseconds. */
  afterMs?: number;
  /** The stream cannot go on from where it stands. */
  reset?: ResetReason;
}

/** A frame that no server of ours sends. */
export class Broken extends Error {}

/** Opens one connection, and is fulfilled when it is over; rejected where a receiver threw. */
export type Door = (wish: Wish, receiver: Receiver, signal: AbortSignal) => Promise<End>;

const REASONS = new Set(['epoch', 'ahead', 'expired', 'damaged', 'invalid']);

/** The reason of a reset as the server gives it. */
export function resetReason(value: unknown): ResetReason {
  return REASONS.has(value as string) ? (value as ResetReason) : 'damaged';
}

/** Milliseconds to stay away, as a server asks; a minute at most. */
export function retryMs(value: unknown): number {
  return typeof value === 'number' && value > 0 ? Math.min(value, 60_000) : 0;
}

/** The seq of a cursor `<epoch>-<seq>`. */
export function seqOf(cursor: unknown): number {
  const match = typeof cursor === 'string' ? /^[0-9a-z]{4,16}-(\d{1,15})$/.exec(cursor) : null;
  if (!match) throw new Broken('no cursor');
  return Number(match[1]);
}

/** Throws {@link Broken} where it is no event. */
export function checkEvent(value: unknown): Omit<Event, 'seq'> {
  const event = value as Partial<Event> | null;
  if (event === null || typeof event !== 'object' || typeof event.type !== 'string' || typeof event.actor !== 'string')
    throw new Broken('no event');
  if (event.data === null || typeof event.data !== 'object') throw new Broken('an event without data');
  return event as Event;
}
