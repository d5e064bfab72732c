import { Refusal } from '../../kernel/errors.ts';
import { keyId, type Memory, type MemoryState } from './state.ts';

const ERROR = 'Memory not found';

/** True where the agent may know of the memory at all. */
export function mayRead({ scope, agent: owner }: Pick<Memory, 'scope' | 'agent'>, agent: string | undefined): boolean {
  return scope === 'team' || owner === agent;
}

export function isLiving({ deletedAt, supersededBy }: Pick<Memory, 'deletedAt' | 'supersededBy'>): boolean {
  return deletedAt === undefined && supersededBy === undefined;
}

/** The memory, where it is there for this agent. Throws `memory_not_found`, or `memory_deleted` where there was one. */
export function findMemory(state: MemoryState, id: string, agent: string | undefined): Memory {
  const memory = state.memories.get(id);
  if (memory === undefined || !mayRead(memory, agent))
    throw new Refusal('memory_not_found', `There is no memory "${id}".`, { error: ERROR });
  const { deletedAt, deletedBy } = memory;
  if (deletedAt === undefined) return memory;
  throw new Refusal('memory_deleted', `The memory "${id}" was deleted by ${deletedBy}.`, {
    error: ERROR,
    extra: { deletedAt, deletedBy },
  });
}

/** The same, where what was replaced is not changed any more. Throws `memory_superseded`. */
export function findLiving(state: MemoryState, id: string, agent: string | undefined): Memory {
  const memory = findMemory(state, id, agent);
  requireLiving(memory);
  return memory;
}

export function requireLiving({ id, supersededBy }: Memory): void {
  if (supersededBy === undefined) return;
  throw new Refusal('memory_superseded', `The memory "${id}" was replaced by "${supersededBy}".`, {
    extra: { supersededBy },
  });
}

/** The living memory that has the key. */
export function holderOf(
  state: MemoryState,
  { scope, agent, key }: { scope: Memory['scope']; agent: string; key?: string | undefined },
): Memory | undefined {
  const id = key === undefined ? undefined : state.memory_keys.get(keyId({ scope, agent, key }))?.memory;
  return id === undefined ? undefined : state.memories.get(id);
}

/** The seq of the event that last changed what the agent may see of it. */
export function tagOf({ id, agent }: { id: string; agent: string }, state: MemoryState): number | undefined {
  const memory = state.memories.get(id);
  return memory !== undefined && memory.deletedAt === undefined && mayRead(memory, agent) ? memory.lastSeq : undefined;
}
