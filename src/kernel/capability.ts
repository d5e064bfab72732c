import type { z } from 'zod';
import type { Entities, LiveCollection } from './collection.ts';
import type { Connections } from './connections.ts';
import type { Draft, Event } from './event.ts';
import type { Feed } from './feed/feed.ts';
import type { Health } from './health.ts';
import type { OrderSpec } from './order.ts';
import type { Search } from './search.ts';
import type { Recollection, Sightings } from './sightings.ts';
import type { Keys, Sleeper } from './sleepers.ts';
import type { Toolbox } from './toolbox.ts';

/** An input is an object: its fields are what paths, queries, bodies and call frames carry. */
export type InputSchema = z.ZodObject;

/** Which route shows an operation: `POST /chat/messages/:id/react`. */
export type HttpRoute = `${'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'} /${string}`;

/** The settings of this server, by name; one that is absent has its default. */
export type Settings = Readonly<Record<string, unknown>>;

/** What is known at a moment: what is written down, and beside it the clock, the settings, and who was seen. */
export interface Moment<S> {
  readonly state: S;
  /**
   * What the clock on the wall says, in milliseconds since 1970. `now` runs ahead of it while events come faster than
   * one a millisecond, so what lasts (a lease) is measured by this one.
   */
  readonly wall: number;
  readonly settings: Settings;
  /** When this server began, by the same clock. */
  readonly began: number;
  /** Signs of life of agents, as far as this process has seen them. */
  readonly sightings: Sightings;
}

/** What a command may know while it decides: pure, so the same command with the same context decides the same. */
export interface Context<S> extends Moment<S> {
  /** Who acts: an agent's name, or `anonymous`. */
  readonly actor: string;
  /** The connection on which it was called, where that can be asked something. */
  readonly connection?: string | undefined;
  /** The time of the first event that this command makes: milliseconds since 1970, greater than any event's before it. */
  readonly now: number;
  /** The seq of the first event that this command makes; the i-th after it has `seq + i` and `now + i`. */
  readonly seq: number;
  /** Inputs of those who came before and still wait, the first first: where the command's `wait` is a queue. */
  readonly ahead: Iterable<unknown>;
  /** A new id `<prefix>-<now>-<9 chars>`. */
  id(prefix: string): string;
}

/** One consistent view of the index: all of it as of event `seq`. */
export interface IndexView {
  readonly seq: number;
  all<R>(sql: string, ...params: (string | number | null)[]): R[];
}

/** The entities of a collection in memory, as the index has them. */
export function entitiesOf<T extends object>(view: IndexView, collection: string): T[] {
  return view
    .all<{ doc: string }>('SELECT doc FROM entity WHERE collection = ?', collection)
    .map(({ doc }) => JSON.parse(doc) as T);
}

/** What a query may read. */
export interface QueryContext<S> extends Moment<S> {
  /** Who asks, where the caller named itself. */
  readonly agent: string | undefined;
  readonly now: number;
  /** Seq of the newest event that `state` has; it may not be durable yet. */
  readonly head: number;
  readonly epoch: string;
  readonly feed: Feed;
  /** Aborted when the caller is gone. */
  readonly signal: AbortSignal | undefined;
  /** Reads the index once it holds everything that was acknowledged when the query began. */
  index<R>(read: (view: IndexView) => R): Promise<R>;
  /** The same, on a thread of its own, for reads that may take longer than a page. */
  scan<R>(sql: string, ...params: (string | number | null)[]): Promise<R[]>;
  /** Waits for what capabilities wake by these keys; to be left. While it sleeps, who asks is seen to be waiting. */
  sleeper(keys: Keys, ms: number): Sleeper;
  /** Finds things by what they say. */
  readonly search: Search;
  /** Runs what is not of this server: tools. */
  readonly toolbox: Toolbox;
  /** The connection on which it was called, where that can be asked something. */
  readonly connection?: string | undefined;
  /** Connections that are open now, to ask them something. */
  readonly connections: Connections;
  health(): Health;
  /** The whole live state as of one event; what the caller may not read is left out. */
  snapshot(): Promise<{ cursor: string; seq: number; state: Record<string, unknown> }>;
  /** Every operation of this server. */
  readonly operations: ReadonlyMap<string, Operation>;
}

interface OperationSpec<S, N extends string, I extends InputSchema, O extends z.ZodType, A extends string> {
  /** `messages.send` */
  name: N;
  /** One line for people and agents. */
  summary: string;
  input: I;
  output: O;
  http: readonly HttpRoute[];
  /** The input field that names who acts or asks; filled from the caller where the caller named itself. */
  actor?: A & keyof z.infer<I>;
  /** What `error` says when the input is invalid, in the words that clients of the original contract know. */
  complaint?: string;
  /** The entity that it shows or changes has a tag: the seq of the event that last changed it. */
  etag?: {
    /** Of what the answer shows: the ETag. */
    of(answer: z.input<O>): number | undefined;
    /** Of what the input names, as it is now: If-Match is compared with it in the same step as the command decides. */
    current?(input: z.infer<I>, state: S): number | undefined;
  };
}

export interface CommandSpec<
  S,
  N extends string,
  I extends InputSchema,
  O extends z.ZodType,
  A extends string,
  P = undefined,
> extends OperationSpec<S, N, I, O, A> {
  /** What must be read before it can be decided, for what memory does not hold. It may be read again. */
  prepare?(input: z.infer<I>, context: QueryContext<S>): Promise<P>;
  /**
   * What it does outside of this server, instead of `prepare`: done once for a request, and once for all requests with
   * one idempotency key; those that come meanwhile wait. What it answers is JSON. It is kept with the key, shown to
   * nobody, up to KEPT_BYTES, so that a repeated request gets the answer of then. A Refusal means that nothing was done.
   */
  perform?(input: z.infer<I>, context: QueryContext<S>): Promise<P>;
  /** Decides what happens, or throws a Refusal. Pure; may be called again for the same request. */
  decide(input: z.infer<I>, context: Context<S>, prepared: P): Draft[];
  /**
   * Declared by a command that may be asked to wait (its input has `wait`, in seconds) until there is something to
   * do: looked at again when one of the keys is woken, decided when there is or when the time is over.
   */
  wait?: {
    /** True where there is nothing yet. */
    idle(input: z.infer<I>, context: Context<S>, prepared: P): boolean;
    /** What may bring what is waited for: keys that capabilities wake. */
    keys(input: z.infer<I>, state: S): readonly string[];
    /** One of the keys, by which those who wait are a queue: each sees who is ahead, and looks again when one leaves. */
    queue?: string;
  };
  /** What the caller is told, from the events (none where nothing had to change) and the state after them. */
  answer(events: readonly Event[], state: S, input: z.infer<I>, prepared: P, moment: Moment<S>): z.input<O>;
}

export interface QuerySpec<S, N extends string, I extends InputSchema, O extends z.ZodType, A extends string>
  extends OperationSpec<S, N, I, O, A> {
  run(input: z.infer<I>, context: QueryContext<S>): z.input<O> | Promise<z.input<O>>;
  /** Shown as Server-Sent Events: always, or where the caller accepts an event stream. Frames hold the whole event or its data. */
  stream?: { when: 'always' | 'accepted'; frames: 'event' | 'data' };
  /** Asking it is a sign of life of the agent that asks, as every command is. */
  heartbeat?: true;
  /** How the answer is written for a caller that accepts this media type. */
  text?: { type: string; render(answer: z.input<O>): string };
}

// The table holds operations of every shape, so its rows are typed at their definition and not here.
// biome-ignore lint/suspicious/noExplicitAny: the heterogeneous table
type AnyCommand = CommandSpec<any, string, any, any, any, any>;
// biome-ignore lint/suspicious/noExplicitAny: the heterogeneous table
type AnyQuery = QuerySpec<any, string, any, any, any>;
export type Command = { kind: 'command' } & AnyCommand;
export type Query = { kind: 'query' } & AnyQuery;
export type Operation = Command | Query;

/** What a row of the table says of itself to those who call it: its name, its schemas, the field that names the caller. */
export interface Row<N extends string, I extends InputSchema, O extends z.ZodType, A extends string> {
  name: N;
  input: I;
  output: O;
  actor?: A;
}

/** What is known of an operation beside its row. */
export type Rest<Op extends Operation> = Omit<Op, 'name' | 'input' | 'output' | 'actor'>;

/** Declares an operation that changes state. */
export function command<
  S,
  const N extends string,
  I extends InputSchema,
  O extends z.ZodType,
  const A extends string = never,
  P = undefined,
>(spec: CommandSpec<S, N, I, O, A, P>): Rest<Command> & Row<N, I, O, A> {
  return { kind: 'command', ...spec };
}

/** Declares an operation that only reads. */
export function query<
  S,
  const N extends string,
  I extends InputSchema,
  O extends z.ZodType,
  const A extends string = never,
>(spec: QuerySpec<S, N, I, O, A>): Rest<Query> & Row<N, I, O, A> {
  return { kind: 'query', ...spec };
}

/** How the index keeps a collection: wholly in memory as well, or on disk alone with `seq` in each entity. */
export type CollectionSpec =
  | {
      name: string;
      keep: 'memory';
      /** Orders in which commands and queries walk the entities, by name. */
      orders?: Readonly<Record<string, OrderSpec<never>>>;
    }
  | {
      name: string;
      keep: 'history';
      /**
       * SQL columns beside `seq`, `id` and `doc` (the entity as JSON), each computed by SQLite from `doc`:
       * `{ channel: "TEXT AS (doc ->> 'channel') STORED" }`. An index covers no column that is VIRTUAL.
       */
      columns: Readonly<Record<string, string>>;
      indexes?: readonly string[];
      /** Rows kept, newest by seq; all where absent. */
      newest?: number;
    };

/** A WebSocket of its own that shows what was and then what comes, in frames of its own. */
export interface SocketFeed {
  path: string;
  types: readonly string[];
  /** The first frame, and the seq that it is the state of. */
  first(context: QueryContext<never>): Promise<{ frame: object; seq: number }>;
  /** The frame for one event. */
  each(event: Event): object;
}

/** The agents that may read a private event: one, or the two ends of a direct channel. */
export type Readers = readonly [string] | readonly [string, string];

/** Who may read an event; undefined means everybody. */
export type ReadersOf = (event: Event) => Readers | undefined;

/** One thing that the server can do: its operations, its events, its state. */
export interface Capability<S = never> {
  name: string;
  summary: string;
  collections: readonly CollectionSpec[];
  operations: readonly Operation[];
  /** Its event types, each with one line. */
  events: Record<string, string>;
  /** Further names, beside the first word of its event types, by which a subscriber may ask for them. */
  topics?: readonly string[];
  /** The fold. Sees every event of every capability; must not throw. */
  apply?(state: S, event: Event, readersOf: ReadersOf): void;
  /** Who may read an event of this capability; undefined means everybody. */
  readers?(event: Event): Readers | undefined;
  /** What it does by itself when its time has come. */
  due?: {
    /** When there is something to do next, in milliseconds since 1970; undefined: nothing. Asked before every command. */
    at(state: S): number | undefined;
    /** Does what is due at `wall`, some of it at least. Without input. */
    command: Command;
    /** What is done later harms nobody: where it is much, others have their turn between. */
    mayLag?: boolean;
  };
  /** What it keeps written down of agents, out of events and of what the server sees of them. */
  watch?: {
    /** What may be known of agents when the server starts, at `started`; what is written down ends at `record`. */
    recall(state: S, times: { started: number; record: number }): Iterable<readonly [agent: string, Recollection]>;
    /** Agents of whom an event may make something else true. */
    touches(event: Event): readonly string[];
    /** When what is written down of an agent is true no more, as far as is known now; undefined: time alone changes nothing. */
    until(agent: string, moment: Moment<S>): number | undefined;
    /** Writes down what is true now of some agents: its input is `agents`. */
    command: Command;
    /** What of a sign of life is shown, and not kept, to streams that ask for it. */
    beat(agent: string, moment: Moment<S>): Draft;
  };
  /** What it does when a connection is gone that could be asked: its input is `connection`; without, none is open. */
  hangUp?: Command;
  /** True where an event, of any capability, is addressed to the agent. */
  concerns?(event: Event, agent: string, state: S): boolean;
  /** Keys by which an agent waits for what concerns it: `wakes` has one of them for each event that does. */
  hears?(agent: string, state: S): readonly string[];
  /** Keys of those whom an event may wake, as they wait: `tasks`, `to kai`. May look at the state. */
  wakes?(event: Event, state: S): readonly string[];
  /** Small figures for an agent, told with every answer that it gets: `{ unread: 3 }` is the header X-Unread. */
  counters?(state: S, agent: string): Readonly<Record<string, number>>;
  /** Its part of `/health`. */
  health?(state: S): Record<string, unknown>;
  /** Its part of `/snapshot`, beyond its live collections. */
  snapshot?(view: IndexView, agent: string | undefined): Record<string, unknown>;
  sockets?: readonly SocketFeed[];
}

/**
 * Declares a capability with the type of the state that it folds: `capability<State>()({ name: … })`. Its operations
 * keep their types, from which the client's functions have theirs.
 */
export function capability<S = never>() {
  return <const O extends readonly Operation[]>(spec: Capability<S> & { operations: O }): Typed<O> =>
    spec as unknown as Typed<O>;
}

/** A capability whose operations are known by their types. */
export type Typed<O extends readonly Operation[]> = Omit<Capability, 'operations'> & { readonly operations: O };

export type { Entities, LiveCollection };
