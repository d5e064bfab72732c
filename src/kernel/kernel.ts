import type { Capability, Command, Operation, Query, QueryContext } from './capability.ts';
import { type Change, type ChangeLog, type Collection, LiveCollection, rollBack } from './collection.ts';
import { Connections } from './connections.ts';
import { type Contexts, createContexts } from './contexts.ts';
import { createCollection, createCollections } from './create-collections.ts';
import { Deeds } from './deeds.ts';
import { DueWork } from './due-work.ts';
import { Refusal } from './errors.ts';
import { decideMatching } from './etag.ts';
import type { Draft, Encoded, Event, IdempotencyMark } from './event.ts';
import { Feed } from './feed/feed.ts';
import { type Health, healthOf } from './health.ts';
import { idempotencyKeys, keep, keptIn, keyId, markOf, requireSame, type UsedKey, usedBy } from './idempotency.ts';
import type { Batch, Journal } from './journal/journal.ts';
import { ANONYMOUS, SYSTEM } from './names.ts';
import type { KernelOptions } from './options.ts';
import { type Outcome, outcomeOf } from './outcome.ts';
import { replay } from './replay.ts';
import type { Search } from './search.ts';
import { Sightings } from './sightings.ts';
import { type Keys, type Sleeper, Sleepers, type SleepOptions } from './sleepers.ts';
import { stamp } from './stamp.ts';
import type { Store } from './store.ts';
import { findOperation, Table } from './table.ts';
import type { Toolbox } from './toolbox.ts';
import { type Caller, validate } from './validate.ts';

export type { Outcome };

type Input = Record<string, unknown>;

/** How often a command is decided again when the journal says that somebody else was first. */
const DECISIONS = 5;

/** Decides commands, keeps the state, answers queries. The only way in for every door. */
export class Kernel {
  readonly feed: Feed;
  readonly operations: ReadonlyMap<string, Operation>;
  readonly capabilities: readonly Capability[];
  /** Who was seen. Doors note here what they see. */
  readonly sightings: Sightings;
  /** Connections that can be asked something. Doors bring them. */
  readonly connections: Connections;
  /** Events that were replayed at start. */
  replayed = 0;
  readonly #journal: Journal;
  readonly #store: Store;
  readonly #log: ChangeLog = { changes: [] };
  readonly #collections: ReadonlyMap<string, Collection<object>>;
  readonly #keys: Collection<UsedKey>;
  readonly #changes = new Map<Batch, Change[]>();
  readonly #onFailure: ((error: Error) => void) | undefined;
  readonly #search: Search | undefined;
  readonly #contexts: Contexts;
  readonly #deeds = new Deeds();
  readonly #table: Table;
  readonly #due: DueWork;
  readonly #sleepers = new Sleepers();
  readonly #state: Record<string, Collection<object>>;
  #lastBatch: Batch | undefined;
  #aborts = 0;
  #closing: Promise<void> | undefined;

  /** Opens the node's state: live entities from the index, then the journal's events that the index lacks. */
  static async open(options: KernelOptions): Promise<Kernel> {
    const kernel = new Kernel(options);
    const { journal, store } = options;
    kernel.replayed = await replay(journal, store, (records) => kernel.#applyAll(records), options.onProgress);
    options.journal.listen({
      committed: (batch, bytes) => kernel.#committed(batch, bytes),
      aborted: (batches) => kernel.#aborted(batches),
      failed: (error) => kernel.#onFailure?.(error),
    });
    kernel.#due.begin(journal.lastAt);
    kernel.#hangUp({});
    return kernel;
  }

  private constructor({ journal, store, capabilities, world, ring, ...rest }: KernelOptions) {
    this.#journal = journal;
    this.#store = store;
    this.#onFailure = rest.onFailure;
    this.#search = rest.search;
    this.connections = new Connections((connection) => this.#hangUp({ connection }));
    this.capabilities = capabilities;
    const specs = capabilities.flatMap((c) => c.collections);
    this.#collections = createCollections(specs, this.#log, store);
    this.#state = Object.fromEntries(this.#collections);
    this.#keys = createCollection(idempotencyKeys, this.#log, store) as unknown as Collection<UsedKey>;
    this.#table = new Table(capabilities, this.#state, rest.parts);
    this.operations = this.#table.operations;
    this.feed = new Feed({
      journal,
      ...(ring && { ring }),
      readersOf: this.#table.readersOf,
      relevance: this.#table,
    });
    this.sightings = new Sightings({
      wall: () => world.clock(),
      next: () => this.#journal.head + 1,
      before: () => this.#due.settle(),
      after: (agent) => this.#noticed(agent),
    });
    this.#contexts = createContexts({
      world,
      journal,
      state: this.#state as never,
      settings: rest.settings ?? {},
      began: world.clock(),
      sightings: this.sightings,
      feed: this.feed,
      search: rest.search as Search,
      toolbox: rest.toolbox as Toolbox,
      connections: this.connections,
      operations: this.operations,
      health: () => this.health(),
      view: (read) => this.#view(read),
      scan: (sql, params) => this.indexed().then(() => store.scan(sql, params)),
      sleep: (keys, ms, agent, signal) => this.#sleep(keys, ms, agent, { signal }),
      snapshot: (agent) => this.snapshot(agent),
    });
    this.#due = new DueWork({
      capabilities,
      wall: () => world.clock(),
      moment: () => this.#contexts.moment(),
      perform: (command, input) => this.#perform(command, input),
      onFault: (error) => rest.onFault?.(error),
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
    return this.run(findOperation(this.operations, name), raw, caller);
  }

  /** Validates and runs one operation. Throws Refusal. */
  run(operation: Operation, raw: Record<string, unknown>, caller: Caller): Promise<Outcome> {
    const { input, agent } = validate(operation, raw, caller);
    const outcome =
      operation.kind === 'command'
        ? this.#execute(operation, input, agent, caller)
        : this.#ask(operation, input, agent, caller);
    return agent === undefined ? outcome : outcome.then((each) => Object.assign(each, { agent }));
  }

  async #execute(operation: Command, input: Input, agent: string | undefined, caller: Caller): Promise<Outcome> {
    const actor = agent ?? ANONYMOUS;
    const { idempotencyKey: key, ifMatch } = caller;
    const keyed = key === undefined ? undefined : markOf(operation.name, input, actor, key);
    let unseen = agent;
    const sleeper = this.#sleeper(operation, input, agent, caller);
    const deed = operation.perform && (await this.#deeds.begin(keyed));
    let written = false;
    try {
      for (let attempt = 1; ; ) {
        if (this.#store.full) await this.#store.room();
        let prepared = deed?.done?.value;
        if (operation.prepare) prepared = await operation.prepare(input, this.#contexts.query(agent, caller));
        if (this.#closing) throw new Refusal('shutting_down', 'The server is stopping.');
        this.#due.settle();
        // Nothing comes between the sign of life and what is decided: it is written down what both make of the agent.
        if (unseen !== undefined) this.sightings.seen(unseen);
        unseen = undefined;
        const used = keyed && this.#keys.get(keyed.id);
        if (keyed && used) {
          const outcome = await this.#repeat(operation, input, used, keyed.mark, prepared);
          if (outcome) return outcome;
          continue;
        }
        if (deed && deed.done === undefined) {
          deed.done = { value: await operation.perform?.(input, this.#contexts.query(agent, caller)) };
          continue;
        }
        const { wait } = operation;
        const ahead = wait?.queue && this.#sleepers.ahead(wait.queue, sleeper?.turn);
        const context = this.#contexts.command(actor, ahead, caller.connection);
        if (sleeper?.waiting && wait?.idle(input, context, prepared)) {
          await sleeper.woken();
          continue;
        }
        let drafts: Draft[] = [];
        try {
          // Whoever waited and is gone is given nothing.
          if (!sleeper || !caller.signal?.aborted)
            drafts = decideMatching(operation, input, context, prepared, ifMatch);
        } catch (refusal) {
          // A refusal shows what it stands on: that is durable before it is told, or it is decided again.
          if (await this.#stands()) throw refusal;
          continue;
        }
        if (drafts.length === 0) {
          const value = operation.answer([], this.#state, input, prepared, context);
          const seq = this.#journal.head;
          if (await this.#stands()) return outcomeOf(operation, value, seq);
          // What there was nothing to do about has been taken back.
          continue;
        }
        const mark = keyed && deed?.done ? keep(keyed.mark, deed.done.value) : keyed?.mark;
        const { events, batch } = this.#commit(drafts, actor, context.now, mark);
        const value = operation.answer(events, this.#state, input, prepared, context);
        try {
          await batch.settled;
          written = true;
          return outcomeOf(operation, value, (events.at(-1) as Event).seq);
        } catch (reason) {
          if (!(reason instanceof Refusal) || reason.code !== 'conflict' || attempt++ >= DECISIONS) throw reason;
        }
      }
    } finally {
      sleeper?.leave();
      deed?.over(written);
    }
  }

  /** For a caller that waits until there is something to do. */
  #sleeper({ wait }: Command, input: Input, agent: string | undefined, { signal }: Caller): Sleeper | undefined {
    if (wait === undefined || typeof input.wait !== 'number' || input.wait === 0) return undefined;
    const wants = wait.queue === undefined ? undefined : input;
    return this.#sleep(() => wait.keys(input, this.#state), input.wait * 1_000, agent, { signal, wants });
  }

  #sleep(keys: Keys, ms: number, agent: string | undefined, options: SleepOptions): Sleeper {
    const asleep = agent === undefined ? undefined : () => this.sightings.waits(agent);
    return this.#sleepers.enter(keys, ms, { ...options, asleep });
  }

  /** Decides a command of the server's own; what comes of it is decided again where it is taken back. */
  #perform(command: Command, input: Record<string, unknown>): boolean {
    if (this.#store.full) throw new Refusal('index_unavailable', 'Too much waits for the index.');
    const context = this.#contexts.command(SYSTEM);
    const drafts = command.decide(input, context, undefined);
    if (drafts.length === 0) return false;
    const { batch } = this.#commit(drafts, SYSTEM, context.now, undefined);
    batch.settled.catch(() => {});
    return true;
  }

  /** A connection is gone that could be asked something; none is open where none is named. */
  #hangUp(input: { connection?: string }): void {
    for (const { hangUp } of this.capabilities) {
      try {
        if (hangUp) this.#perform(hangUp, input);
      } catch {
        // It is written down at the next start, when no connection is open; until then they are seen to be gone.
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
    const events = records.map(({ event }) => event);
    const agent = actor === SYSTEM || actor === ANONYMOUS ? undefined : actor;
    if (agent !== undefined) this.sightings.acted(agent, events[0]?.seq as number);
    this.#due.happened(events, agent);
    return { events, batch };
  }

  /** Applies events that are in the journal already. */
  #applyAll(records: readonly Encoded[]): readonly Change[] {
    this.#log.changes = [];
    for (const record of records) this.#apply(record);
    return this.#log.changes;
  }

  #apply({ event, idem }: Encoded): void {
    this.#table.apply(event);
    if (idem) this.#keys.put(keyId(idem.caller ?? event.actor, idem.key), usedBy(event, idem));
  }

  /** The answer of the first request with a key; undefined where that request was taken back meanwhile. */
  async #repeat(
    operation: Command,
    input: Record<string, unknown>,
    used: UsedKey,
    mark: IdempotencyMark,
    prepared: unknown,
  ): Promise<Outcome | undefined> {
    requireSame(used, mark);
    const aborts = this.#aborts;
    await this.#durable();
    if (aborts !== this.#aborts) return undefined;
    const records = await this.#journal.read(used.seq - 1, used.n, Number.MAX_SAFE_INTEGER);
    if (records.length < used.n) throw new Refusal('shutting_down', 'The server is stopping.');
    const events = records.map((record) => record.event);
    const known = operation.perform ? keptIn(records[0] as Encoded) : prepared;
    const value = operation.answer(events, this.#state, input, known, this.#contexts.moment());
    // The answer may show what others have changed since: that too is shown when it is durable.
    await this.#durable();
    if (aborts !== this.#aborts) return undefined;
    return { ...outcomeOf(operation, value, used.seq + used.n - 1), replayed: true };
  }

  async #ask(operation: Query, input: Input, agent: string | undefined, caller: Caller): Promise<Outcome> {
    if (operation.heartbeat && agent !== undefined) this.sightings.seen(agent);
    for (;;) {
      this.#due.settle();
      const seq = this.#journal.head;
      const aborts = this.#aborts;
      const value = await operation.run(input, this.#contexts.query(agent, caller));
      // What was read may not be durable yet: it is shown when it is.
      await this.#durable();
      if (aborts === this.#aborts) return outcomeOf(operation, value, seq);
    }
  }

  /** True once everything that is applied now is durable; false where some of it was taken back. */
  async #stands(): Promise<boolean> {
    const aborts = this.#aborts;
    await this.#durable();
    return aborts === this.#aborts;
  }

  /** Fulfilled when everything that is applied now is durable. Never rejects: an abort is seen by its count. */
  async #durable(): Promise<void> {
    if (this.#journal.durable >= this.#journal.head) return;
    await this.#lastBatch?.settled.catch(() => {});
  }

  /** Small figures for an agent, to be told with its answers. */
  counters(agent: string): Record<string, number> {
    return this.#table.counters(agent);
  }

  /** A query context for a door's own frames. */
  context(agent: string | undefined): QueryContext<never> {
    return this.#contexts.query(agent);
  }

  async #view<R>(read: Parameters<Store['view']>[0]): Promise<R> {
    await this.indexed();
    return this.#store.view(read) as R;
  }

  /** Fulfilled when the index holds what was acknowledged. Rejected with Refusal `index_unavailable`. */
  async indexed(): Promise<void> {
    await this.#durable();
    if (this.#store.applied < this.#journal.durable) await this.#store.reached(this.#journal.durable);
  }

  /** The state as of one event, for a subscriber who goes on from there. */
  snapshot(agent: string | undefined): Promise<{ cursor: string; seq: number; state: Record<string, unknown> }> {
    return this.#view((view) => {
      return { cursor: this.feed.cursor(view.seq), seq: view.seq, state: this.#table.snapshot(view, agent) };
    });
  }

  health(): Health {
    return healthOf(this.#journal, this.#store, this.feed, this.#search, this.#table.health());
  }

  /** Lets everything that was accepted become durable, then closes the journal and the index. */
  close(): Promise<void> {
    this.#due.close();
    this.#closing ??= this.#journal.close().then(() => this.#store.close());
    return this.#closing;
  }

  #committed(batch: Batch, bytes: Buffer): void {
    const changes = this.#changes.get(batch) ?? [];
    this.#changes.delete(batch);
    this.feed.publish(batch.records, bytes);
    if (!this.#sleepers.none) this.#sleepers.happened(this.#table.wakes(batch.records), batch.records);
    this.#store.write((batch.records.at(-1) as Encoded).event.seq, changes, bytes.length);
  }

  #aborted(batches: readonly Batch[]): void {
    this.#aborts++;
    for (let i = batches.length - 1; i >= 0; i--) {
      const batch = batches[i] as Batch;
      rollBack(this.#changes.get(batch) ?? []);
      this.#changes.delete(batch);
    }
    this.#due.happened(batches.flatMap(({ records }) => records.map(({ event }) => event)));
  }

  /** Something was seen of an agent. */
  #noticed(agent: string): void {
    this.#due.noticed(agent);
    if (!this.feed.ephemera.wanted) return;
    const { wall: at } = this.#contexts.moment();
    for (const { name, watch } of this.capabilities)
      if (watch)
        this.feed.ephemera.show(`${name} ${agent}`, () => ({ at, ...watch.beat(agent, this.#contexts.moment()) }));
  }
}
