import type { Capability, Command, Context, Operation, Query, QueryContext } from './capability.ts';
import {
  type Change,
  type ChangeLog,
  type Collection,
  HistoryCollection,
  LiveCollection,
  rollBack,
} from './collection.ts';
import { Refusal } from './errors.ts';
import type { Draft, Encoded, Event, IdempotencyMark } from './event.ts';
import { Feed } from './feed/feed.ts';
import type { RingLimits } from './feed/ring.ts';
import { idempotencyKeys, keyId, requestHash, type UsedKey } from './idempotency.ts';
import type { Batch, Journal, JournalStatus } from './journal/journal.ts';
import { ANONYMOUS } from './names.ts';
import { stamp } from './stamp.ts';
import type { Store, StoreStatus } from './store.ts';
import { type Caller, validate } from './validate.ts';

/** Where time and chance come from; tests bring their own. */
export interface World {
  /** Milliseconds since 1970. */
  clock(): number;
  /** `n` random characters of a-z and 0-9. */
  random(n: number): string;
}

export interface KernelOptions {
  journal: Journal;
  store: Store;
  capabilities: readonly Capability[];
  world: World;
  ring?: RingLimits;
  /** Told while the index is rebuilt from the journal: events done, events in all. */
  onProgress?: (done: number, total: number) => void;
  /** The journal or the index cannot be trusted any more: the process must end. */
  onFailure?: (error: Error) => void;
}

/** What a door gets for a call. */
export interface Outcome {
  value: unknown;
  /** The last event of a command; for a query the newest event that it saw. */
  seq: number;
  /** The answer is that of an earlier request with the same idempotency key. */
  replayed?: true;
}

export interface Health {
  journal: JournalStatus & { id: string; epoch: string; head: number; durable: number };
  index: StoreStatus;
  feed: { subscribers: Record<string, number>; ringBytes: number };
  parts: Record<string, unknown>;
}

/** How often a command is decided again when the journal says that somebody else was first. */
const DECISIONS = 5;
/** Events read at a time while the index catches up. */
const REPLAY_PAGE = 2_000;
/** Events that may wait for the index before a replay waits for it. */
const REPLAY_BACKLOG = 20_000;

/** Decides commands, keeps the state, answers queries. The only way in for every door. */
export class Kernel {
  readonly feed: Feed;
  readonly operations: ReadonlyMap<string, Operation>;
  readonly capabilities: readonly Capability[];
  /** Events that were replayed at start. */
  replayed = 0;
  readonly #journal: Journal;
  readonly #store: Store;
  readonly #world: World;
  readonly #log: ChangeLog = { changes: [] };
  readonly #collections = new Map<string, Collection<object>>();
  readonly #keys: HistoryCollection<UsedKey>;
  readonly #changes = new Map<Batch, Change[]>();
  readonly #onFailure: ((error: Error) => void) | undefined;
  readonly #capabilityOf = new Map<string, Capability>();
  readonly #state: Record<string, Collection<object>>;
  readonly #folds: readonly ((event: Event) => void)[];
  #lastBatch: Batch | undefined;
  #aborts = 0;
  #closing: Promise<void> | undefined;

  /** Opens the node's state: live entities from the index, then the journal's events that the index lacks. */
  static async open(options: KernelOptions): Promise<Kernel> {
    const kernel = new Kernel(options);
    await kernel.#replay(options.onProgress);
    options.journal.listen({
      committed: (batch, bytes) => kernel.#committed(batch, bytes),
      aborted: (batches) => kernel.#aborted(batches),
      failed: (error) => kernel.#onFailure?.(error),
    });
    return kernel;
  }

  private constructor({ journal, store, capabilities, world, ring, onFailure }: KernelOptions) {
    this.#journal = journal;
    this.#store = store;
    this.#world = world;
    this.#onFailure = onFailure;
    this.capabilities = capabilities;
    for (const spec of capabilities.flatMap((c) => c.collections)) {
      this.#collections.set(
        spec.name,
        spec.keep === 'memory'
          ? new LiveCollection(spec.name, this.#log)
          : new HistoryCollection(spec.name, this.#log, (id) => store.get(spec.name, id)),
      );
    }
    this.#state = Object.fromEntries(this.#collections);
    this.#keys = new HistoryCollection(
      idempotencyKeys.name,
      this.#log,
      (id) => store.get(idempotencyKeys.name, id) as UsedKey | undefined,
    );
    this.#folds = capabilities
      .filter((c) => c.apply)
      .map((c) => (event: Event) => c.apply?.(this.#state as never, event));
    const operations = new Map<string, Operation>();
    for (const c of capabilities) {
      for (const type of Object.keys(c.events)) this.#capabilityOf.set(type, c);
      for (const operation of c.operations) {
        if (operations.has(operation.name)) throw new Error(`operation ${operation.name} is declared twice`);
        operations.set(operation.name, operation);
      }
    }
    this.operations = operations;
    this.feed = new Feed({
      journal,
      ...(ring && { ring }),
      readersOf: (event) => this.#capabilityOf.get(event.type)?.readers?.(event),
      relevance: {
        concerns: (event, agent) =>
          this.#capabilityOf.get(event.type)?.concerns?.(event, agent, this.#state as never) ?? false,
        topicTypes: (topic) => this.#topicTypes(topic),
      },
    });
    store.onApplied((_, changes) => {
      for (const { collection, id, after } of changes) collection.indexed(id, after);
    });
  }

  /** The state as capabilities fold it, for tests and for doors that show it whole. */
  collection<T extends object>(name: string): LiveCollection<T> {
    const collection = this.#collections.get(name);
    if (!(collection instanceof LiveCollection)) throw new Error(`${name} is no collection in memory`);
    return collection as LiveCollection<T>;
  }

  /** Calls an operation by name, as every door does. Throws Refusal. */
  async call(name: string, raw: Record<string, unknown>, caller: Caller): Promise<Outcome> {
    const operation = this.operations.get(name);
    if (operation === undefined)
      throw new Refusal('operation_not_found', `There is no operation "${name.slice(0, 80)}".`);
    return this.run(operation, raw, caller);
  }

  /** Validates and runs one operation. Throws Refusal. */
  run(operation: Operation, raw: Record<string, unknown>, caller: Caller): Promise<Outcome> {
    const { input, agent } = validate(operation, raw, caller);
    return operation.kind === 'command'
      ? this.#execute(operation, input, agent, caller)
      : this.#ask(operation, input, agent, caller);
  }

  async #execute(
    operation: Command,
    input: Record<string, unknown>,
    agent: string | undefined,
    caller: Caller,
  ): Promise<Outcome> {
    const actor = agent ?? ANONYMOUS;
    let mark: IdempotencyMark | undefined;
    let id: string | undefined;
    if (caller.idempotencyKey !== undefined) {
      id = keyId(actor, caller.idempotencyKey);
      mark = { key: caller.idempotencyKey, hash: requestHash(operation.name, input), op: operation.name };
    }
    for (let attempt = 1; ; attempt++) {
      if (this.#closing) throw new Refusal('shutting_down', 'The server is stopping.');
      if (id !== undefined && mark !== undefined) {
        const used = this.#keys.get(id);
        if (used) {
          const outcome = await this.#repeat(operation, input, used, mark);
          if (outcome) return outcome;
          continue;
        }
      }
      const context = this.#context(actor);
      const drafts = operation.decide(input, context);
      if (drafts.length === 0) {
        const value = operation.answer([], this.#state, input);
        const seq = this.#journal.head;
        const aborts = this.#aborts;
        await this.#durable();
        if (aborts === this.#aborts) return { value, seq };
        // What there was nothing to do about has been taken back.
        continue;
      }
      const { events, batch } = this.#commit(drafts, actor, context.now, mark);
      const value = operation.answer(events, this.#state, input);
      try {
        await batch.settled;
        return { value, seq: (events.at(-1) as Event).seq };
      } catch (reason) {
        if (!(reason instanceof Refusal) || reason.code !== 'conflict' || attempt >= DECISIONS) throw reason;
      }
    }
  }

  /** Stamps, encodes, applies and appends what was decided: all of it or, where anything throws, nothing. */
  #commit(
    drafts: readonly Draft[],
    actor: string,
    now: number,
    mark: IdempotencyMark | undefined,
  ): { events: Event[]; batch: Batch } {
    const records = stamp(drafts, { first: this.#journal.head + 1, now, actor, mark });
    this.#log.changes = [];
    let batch: Batch;
    try {
      for (const record of records) this.#apply(record);
      batch = this.#journal.append(records);
    } catch (error) {
      rollBack(this.#log.changes);
      throw error;
    }
    const changes = this.#changes.get(batch);
    if (changes === undefined) this.#changes.set(batch, this.#log.changes);
    else for (const change of this.#log.changes) changes.push(change);
    this.#lastBatch = batch;
    return { events: records.map(({ event }) => event), batch };
  }

  #apply({ event, idem }: Encoded): void {
    for (const fold of this.#folds) fold(event);
    if (idem)
      this.#keys.put(keyId(event.actor, idem.key), {
        hash: idem.hash,
        op: idem.op,
        seq: event.seq,
        n: event.tx?.n ?? 1,
      });
  }

  /** The answer of the first request with a key; undefined where that request was taken back meanwhile. */
  async #repeat(
    operation: Command,
    input: Record<string, unknown>,
    used: UsedKey,
    mark: IdempotencyMark,
  ): Promise<Outcome | undefined> {
    if (used.hash !== mark.hash || used.op !== mark.op) {
      throw new Refusal('idempotency_key_reused', `The key "${mark.key}" was used for ${used.op} with other content.`);
    }
    const aborts = this.#aborts;
    await this.#durable();
    if (aborts !== this.#aborts) return undefined;
    const records = await this.#journal.read(used.seq - 1, used.n, Number.MAX_SAFE_INTEGER);
    if (records.length < used.n) throw new Refusal('shutting_down', 'The server is stopping.');
    const events = records.map((record) => record.event);
    const value = operation.answer(events, this.#state, input);
    // The answer may show what others have changed since: that too is shown when it is durable.
    await this.#durable();
    return aborts === this.#aborts ? { value, seq: used.seq + used.n - 1, replayed: true } : undefined;
  }

  async #ask(
    operation: Query,
    input: Record<string, unknown>,
    agent: string | undefined,
    caller: Caller,
  ): Promise<Outcome> {
    for (;;) {
      const seq = this.#journal.head;
      const aborts = this.#aborts;
      const value = await operation.run(input, this.#queryContext(agent, caller.signal));
      // What was read may not be durable yet: it is shown when it is.
      await this.#durable();
      if (aborts === this.#aborts) return { value, seq };
    }
  }

  /** Fulfilled when everything that is applied now is durable. Never rejects: an abort is seen by its count. */
  async #durable(): Promise<void> {
    if (this.#journal.durable >= this.#journal.head) return;
    await this.#lastBatch?.settled.catch(() => {});
  }

  #context(actor: string): Context<never> {
    const now = Math.max(this.#world.clock(), this.#journal.lastAt + 1);
    const seq = this.#journal.head + 1;
    const id = (prefix: string) => `${prefix}-${now}-${this.#world.random(9)}`;
    return { state: this.#state as never, actor, now, seq, id };
  }

  /** What a query may read, for a caller that named itself or not. */
  #queryContext(agent: string | undefined, signal: AbortSignal | undefined): QueryContext<never> {
    return {
      state: this.#state as never,
      agent,
      now: Math.max(this.#world.clock(), this.#journal.lastAt),
      epoch: this.#journal.epoch,
      feed: this.feed,
      signal,
      index: (read) => this.#view(read),
      scan: async (sql, ...params) => {
        await this.#indexed();
        return this.#store.scan(sql, params);
      },
      health: () => this.health(),
      snapshot: () => this.snapshot(agent),
      operations: this.operations,
    };
  }

  /** A query context for a door's own frames. */
  context(agent: string | undefined): QueryContext<never> {
    return this.#queryContext(agent, undefined);
  }

  async #view<R>(read: Parameters<Store['view']>[0]): Promise<R> {
    await this.#indexed();
    return this.#store.view(read) as R;
  }

  async #indexed(): Promise<void> {
    await this.#durable();
    const { durable } = this.#journal;
    if (this.#store.applied < durable) await this.#store.reached(durable);
  }

  /** The state as of one event, for a subscriber who goes on from there. */
  snapshot(agent: string | undefined): Promise<{ cursor: string; seq: number; state: Record<string, unknown> }> {
    return this.#view((view) => {
      const state: Record<string, unknown> = {};
      for (const c of this.capabilities) Object.assign(state, c.snapshot?.(view, agent));
      return { cursor: this.feed.cursor(view.seq), seq: view.seq, state };
    });
  }

  health(): Health {
    const parts: Record<string, unknown> = {};
    for (const c of this.capabilities) Object.assign(parts, c.health?.(this.#state as never));
    return {
      journal: {
        ...this.#journal.status(),
        id: this.#journal.id,
        epoch: this.#journal.epoch,
        head: this.#journal.head,
        durable: this.#journal.durable,
      },
      index: this.#store.status(),
      feed: { subscribers: Object.fromEntries(this.feed.subscribers), ringBytes: this.feed.ringBytes },
      parts,
    };
  }

  /** Lets everything that was accepted become durable, then closes the journal and the index. */
  close(): Promise<void> {
    this.#closing ??= this.#journal.close().then(() => this.#store.close());
    return this.#closing;
  }

  #committed(batch: Batch, bytes: Buffer): void {
    const changes = this.#changes.get(batch) ?? [];
    this.#changes.delete(batch);
    this.feed.publish(batch.records, bytes);
    this.#store.write((batch.records.at(-1) as Encoded).event.seq, changes);
  }

  #aborted(batches: readonly Batch[]): void {
    this.#aborts++;
    for (let i = batches.length - 1; i >= 0; i--) {
      const batch = batches[i] as Batch;
      rollBack(this.#changes.get(batch) ?? []);
      this.#changes.delete(batch);
    }
  }

  async #replay(onProgress: KernelOptions['onProgress']): Promise<void> {
    const from = this.#store.applied;
    const total = this.#journal.durable - from;
    for (const collection of this.#collections.values()) {
      if (!(collection instanceof LiveCollection)) continue;
      for (const [id, entity] of this.#store.load(collection.name)) collection.load(id, entity);
    }
    for (let after = from; after < this.#journal.durable; ) {
      const records = await this.#journal.read(after, REPLAY_PAGE);
      if (records.length === 0) throw new Error(`the journal ends at ${after}, before ${this.#journal.durable}`);
      this.#log.changes = [];
      for (const record of records) this.#apply(record);
      after += records.length;
      this.#store.write(after, this.#log.changes);
      this.replayed += records.length;
      onProgress?.(this.replayed, total);
      if (after - this.#store.applied > REPLAY_BACKLOG) await this.#store.reached(after - REPLAY_BACKLOG / 2);
    }
  }

  #topicTypes(topic: string): string[] {
    const stem = topic.replace(/s$/, '');
    const types: string[] = [];
    for (const c of this.capabilities) {
      const all = c.topics?.includes(topic) || c.topics?.includes(stem);
      for (const type of Object.keys(c.events)) if (all || type.startsWith(`${stem}_`)) types.push(type);
    }
    return types;
  }
}
