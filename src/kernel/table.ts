import type { Capability, IndexView, Operation, ReadersOf } from './capability.ts';
import { Refusal } from './errors.ts';
import type { Event } from './event.ts';
import { keysOfEvent, type Relevance } from './feed/filter.ts';

/** The operation of this name. Throws `operation_not_found`. */
export function findOperation(operations: ReadonlyMap<string, Operation>, name: string): Operation {
  const operation = operations.get(name);
  if (operation !== undefined) return operation;
  throw new Refusal('operation_not_found', `There is no operation "${name.slice(0, 80)}".`);
}

/** What a list of capabilities declares, found by name: operations, event types and who owns them. */
export class Table implements Relevance {
  readonly capabilities: readonly Capability[];
  readonly operations: ReadonlyMap<string, Operation>;
  readonly #owners = new Map<string, Capability>();
  readonly #state: unknown;
  readonly #parts: () => Record<string, unknown>;
  readonly #folding: readonly Capability[];
  readonly #concerning: readonly Capability[];
  readonly #waking: readonly Capability[];
  readonly #hearing: readonly Capability[];
  readonly #counting: readonly Capability[];

  /** Throws where two operations have one name. */
  constructor(capabilities: readonly Capability[], state: unknown, parts: () => Record<string, unknown> = () => ({})) {
    this.capabilities = capabilities;
    this.#state = state;
    this.#parts = parts;
    this.#folding = capabilities.filter((c) => c.apply);
    this.#concerning = capabilities.filter((c) => c.concerns);
    this.#waking = capabilities.filter((c) => c.wakes);
    this.#hearing = capabilities.filter((c) => c.hears);
    this.#counting = capabilities.filter((c) => c.counters);
    const operations = new Map<string, Operation>();
    for (const c of capabilities) {
      for (const type of Object.keys(c.events)) this.#owners.set(type, c);
      for (const operation of c.operations) {
        if (operations.has(operation.name)) throw new Error(`operation ${operation.name} is declared twice`);
        operations.set(operation.name, operation);
      }
    }
    this.operations = operations;
  }

  /** The agents that may read an event; undefined means everybody. */
  readonly readersOf: ReadersOf = (event) => this.#owners.get(event.type)?.readers?.(event);

  /** Folds an event into the state. */
  apply(event: Event): void {
    for (const c of this.#folding) c.apply?.(this.#state as never, event, this.readersOf);
  }

  concerns(event: Event, agent: string): boolean {
    return this.#concerning.some((c) => c.concerns?.(event, agent, this.#state as never));
  }

  /** Keys of those whom events may wake: who waits for what they bring, and who waits for the events themselves. */
  wakes(records: readonly { readonly event: Event }[]): Set<string> {
    const keys = new Set<string>();
    for (const { event } of records) {
      for (const key of keysOfEvent(event)) keys.add(key);
      for (const c of this.#waking) for (const key of c.wakes?.(event, this.#state as never) ?? []) keys.add(key);
    }
    return keys;
  }

  hears(agent: string): string[] {
    return this.#hearing.flatMap((c) => c.hears?.(agent, this.#state as never) ?? []);
  }

  get types(): Iterable<string> {
    return this.#owners.keys();
  }

  /** Small figures for an agent. */
  counters(agent: string): Record<string, number> {
    return Object.assign({}, ...this.#counting.map((c) => c.counters?.(this.#state as never, agent)));
  }

  /** What `/health` says beside the kernel's own. */
  health(): Record<string, unknown> {
    return Object.assign({}, ...this.capabilities.map((c) => c.health?.(this.#state as never)), this.#parts());
  }

  /** The state as the index has it, for an agent. */
  snapshot(view: IndexView, agent: string | undefined): Record<string, unknown> {
    return Object.assign({}, ...this.capabilities.map((c) => c.snapshot?.(view, agent)));
  }

  topicTypes(topic: string): readonly string[] {
    const stem = topic.replace(/s$/, '');
    const types: string[] = [];
    for (const c of this.capabilities) {
      const all = c.topics?.includes(topic) || c.topics?.includes(stem);
      for (const type of Object.keys(c.events)) if (all || type.startsWith(`${stem}_`)) types.push(type);
    }
    return types;
  }
}
