import type { Event } from '../kernel/event.ts';
import { type CallSettings, callOperation } from './call.ts';
import type { CollectionName } from './folds.ts';
import type { Call, CallOptions, Operations } from './operations.ts';
import { RETRY, type RetryOptions } from './pause.ts';
import { Replica, type ReplicaOptions } from './replica.ts';
import { sseDoor } from './sse-door.ts';
import { BOUNDS, type Bounds, type SubscribeOptions, Subscription } from './subscription.ts';
import { type WaitOptions, type Wanted, waitFor } from './wait-for.ts';
import { type OpenSocket, wsDoor } from './ws-door.ts';

export interface ClientOptions {
  /** Where the server is: `http://127.0.0.1:4445`. In a browser, unless said, where the page came from. */
  url?: string;
  /** Who calls. */
  agent?: string | undefined;
  /** How often a call is tried, and the pauses between; those between connections of a subscription are the same. */
  retry?: Partial<RetryOptions>;
  /** Milliseconds that one request may take, beside what its input asks to wait: 30000 unless said. */
  timeoutMs?: number;
  /** Milliseconds of silence after which a connection is taken for dead: 45000 unless said. */
  silenceMs?: number;
  /** What a subscription holds for a reader that is behind. */
  bounds?: Partial<Bounds>;
  /** Ways to subscribe, in the order in which they are tried: `['ws', 'sse']` unless said. */
  doors?: readonly ('ws' | 'sse')[];
}

/** The client: a function for each operation in its group, and what is no operation. */
export type Client<Named extends boolean = true> = Operations<Named> & {
  readonly url: string;
  readonly agent: Named extends true ? string : undefined;
  /** Calls an operation by name; answers with what stands beside the result: seq, tag. */
  readonly call: Call<Named>;
  /** Deliveries as they come, for `for await`. Connects with the first `next`. */
  subscribe(options?: SubscribeOptions): Subscription;
  /** The live state, kept up to date in this process. */
  replica<Name extends CollectionName = CollectionName>(options?: ReplicaOptions<Name>): Replica<Name>;
  /** The first event that matches. */
  waitFor(wanted: Wanted, options?: WaitOptions): Promise<Event>;
};

const PING_MS = 15_000;

/** Makes clients that open sockets in one way: each platform has its own. */
export function clientMaker(openSocket: OpenSocket) {
  function createClient(options: ClientOptions & { agent: string }): Client<true>;
  function createClient(options?: ClientOptions & { agent?: undefined }): Client<false>;
  function createClient(options: ClientOptions = {}): Client<boolean> {
    const settings: CallSettings = {
      url: (options.url ?? here()).replace(/\/+$/, ''),
      agent: options.agent,
      retry: { ...RETRY, ...options.retry },
      timeoutMs: options.timeoutMs ?? 30_000,
    };
    const { url, agent, retry } = settings;
    const stream = { ...settings, silenceMs: options.silenceMs ?? 45_000, pingMs: PING_MS };
    const doors = (options.doors ?? ['ws', 'sse']).map(
      (name) => [name, name === 'ws' ? wsDoor(stream, openSocket) : sseDoor(stream)] as const,
    );
    const bounds = { ...BOUNDS, ...options.bounds };
    const call = (name: string, input: object = {}, callOptions?: CallOptions) =>
      callOperation(settings, name, input as Record<string, unknown>, callOptions);
    const subscribe = (subscribeOptions: SubscribeOptions = {}) =>
      new Subscription(subscribeOptions, { doors, pause: retry, bounds });
    const own = {
      url,
      agent,
      call,
      subscribe,
      replica: (replicaOptions: ReplicaOptions = {}) => new Replica(subscribe, replicaOptions),
      waitFor: (wanted: Wanted, waitOptions?: WaitOptions) => waitFor(subscribe, wanted, waitOptions),
    };
    return withGroups(own, (name, input, callOptions) =>
      call(name, input, callOptions).then(({ result }) => result),
    ) as unknown as Client<boolean>;
  }
  return createClient;
}

function here(): string {
  const { location } = globalThis as { location?: { origin?: string } };
  return location?.origin?.startsWith('http') ? location.origin : 'http://127.0.0.1:4445';
}

type AnyCall = (name: string, input?: object, options?: CallOptions) => Promise<unknown>;

/** Any name is a group, and any name in it a function: which there are the types say, and at last the server. */
function withGroups<T extends object>(own: T, call: AnyCall): T & Operations<boolean> {
  const groups = named((group) =>
    named((operation) => (input?: object, options?: CallOptions) => call(`${group}.${operation}`, input, options)),
  );
  return new Proxy(own, {
    get: (target, key) => (key in target ? Reflect.get(target, key) : Reflect.get(groups, key)),
  }) as T & Operations<boolean>;
}

/** Makes a member when it is asked for. It is no promise and no JSON, for whoever looks whether it is one. */
function named<T>(make: (name: string) => T): Record<string, T> {
  const made = new Map<string, T>();
  return new Proxy({} as Record<string, T>, {
    get(_, key) {
      if (typeof key !== 'string' || key === 'then' || key === 'toJSON') return undefined;
      let member = made.get(key);
      if (member === undefined) made.set(key, (member = make(key)));
      return member;
    },
  });
}
