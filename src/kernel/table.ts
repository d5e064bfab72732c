import type { Capability, Operation } from './capability.ts';
import type { Event } from './event.ts';
import type { Relevance } from './feed/filter.ts';

/** What a list of capabilities declares, found by name: operations, event types and who owns them. */
export class Table implements Relevance {
  readonly capabilities: readonly Capability[];
  readonly operations: ReadonlyMap<string, Operation>;
  readonly #owners = new Map<string, Capability>();
  readonly #state: unknown;

  /** Throws where two operations have one name. */
  constructor(capabilities: readonly Capability[], state: unknown) {
    this.capabilities = capabilities;
    this.#state = state;
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
  readersOf(event: Event): readonly string[] | undefined {
    return this.#owners.get(event.type)?.readers?.(event);
  }

  concerns(event: Event, agent: string): boolean {
    return this.#owners.get(event.type)?.concerns?.(event, agent, this.#state as never) ?? false;
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
