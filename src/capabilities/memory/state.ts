import type { Entities } from '../../kernel/collection.ts';
import type { Event } from '../../kernel/event.ts';

/** Something to be remembered, as the events so far leave it. Times are milliseconds since 1970. */
export interface Memory {
  id: string;
  /** Who wrote it first, and whose it is. */
  agent: string;
  content: string;
  /** `team`: everybody may read and change it. `agent`: its agent alone. */
  scope: 'team' | 'agent';
  /** A name by which it is written again; one living memory has it, of the team or of the agent. */
  key?: string;
  tags?: readonly string[];
  /** Where it is from, in the writer's words. */
  source?: string;
  createdAt: number;
  /** When its last version was written. */
  updatedAt: number;
  /** Who wrote its last version. */
  updatedBy: string;
  /** 1, 2, 3 … */
  version: number;
  /** The memories that it replaces. */
  supersedes?: readonly string[];
  /** The memory that replaces it. */
  supersededBy?: string;
  /** When it was deleted: a tombstone without content. */
  deletedAt?: number;
  deletedBy?: string;
  /** The event that wrote it first. */
  seq: number;
  /** The event that last changed it; its ETag. */
  lastSeq: number;
}

/** What a memory said at one time. */
export interface MemoryVersion {
  memory: string;
  version: number;
  /** Who wrote it. */
  agent: string;
  at: number;
  content: string;
  tags?: readonly string[];
  source?: string;
  /** The event that wrote it. */
  seq: number;
}

/** Which memory has a key; none where it was given up. */
export interface MemoryKey {
  memory?: string;
  /** The event that says so. */
  seq: number;
}

/** Figures of all memories. */
export interface MemoryFigures {
  /** Memories that are neither deleted nor superseded. */
  living: number;
  /** The event that last changed one. */
  seq: number;
}

export interface MemoryState {
  /** One entity: `all`. */
  memory_figures: Entities<MemoryFigures>;
  memories: Entities<Memory>;
  memory_versions: Entities<MemoryVersion>;
  memory_keys: Entities<MemoryKey>;
}

/** What a new version changes; null takes a field away. */
export interface Changes {
  content?: string;
  tags?: readonly string[] | null;
  source?: string | null;
  supersedes?: readonly string[];
}

interface Change extends Changes {
  id: string;
  agent: string;
  version: number;
  supersededBy: string;
}

/** Under which id a key is kept: those of the team, and of each agent, never meet. No agent is called `*`. */
export function keyId({ scope, agent, key }: Pick<Memory, 'scope' | 'agent'> & { key: string }): string {
  return `${scope === 'team' ? '*' : agent} ${key}`;
}

export function versionId(memory: string, version: number): string {
  return `${memory}@${version}`;
}

function count(state: MemoryState, by: number, seq: number): void {
  state.memory_figures.put('all', { living: (state.memory_figures.get('all')?.living ?? 0) + by, seq });
}

/** Folds what is written, written anew, superseded and deleted. */
export function apply(state: MemoryState, event: Event): void {
  if (!event.type.startsWith('memory_')) return;
  if (event.type === 'memory_written') return write(state, event);
  const change = event.data as unknown as Change;
  const memory = state.memories.get(change.id);
  // A window of history does not hold every memory that is changed later.
  if (memory === undefined) return;
  switch (event.type) {
    case 'memory_changed':
      return rewrite(state, memory, change, event);
    case 'memory_superseded':
      state.memories.put(memory.id, { ...memory, supersededBy: change.supersededBy, lastSeq: event.seq });
      count(state, memory.supersededBy === undefined ? -1 : 0, event.seq);
      return giveUpKey(state, memory, event.seq);
    case 'memory_deleted':
      return bury(state, memory, change.agent, event);
  }
}

function write(state: MemoryState, { data, seq, at }: Event): void {
  const written = data as unknown as Omit<Memory, 'seq' | 'lastSeq'>;
  const memory: Memory = { ...written, seq, lastSeq: seq };
  state.memories.put(memory.id, memory);
  count(state, 1, seq);
  keepVersion(state, memory, at);
  const { key } = memory;
  if (key !== undefined) state.memory_keys.put(keyId({ ...memory, key }), { memory: memory.id, seq });
}

function rewrite(state: MemoryState, memory: Memory, change: Change, { seq, at }: Event): void {
  const { content = memory.content, tags = memory.tags, source = memory.source, supersedes = [] } = change;
  const { tags: _, source: __, supersedes: before = [], ...rest } = memory;
  const replaced = [...before, ...supersedes];
  const after: Memory = {
    ...rest,
    content,
    ...(tags && { tags }),
    ...(source != null && { source }),
    ...(replaced.length > 0 && { supersedes: replaced }),
    updatedAt: at,
    updatedBy: change.agent,
    version: change.version,
    lastSeq: seq,
  };
  state.memories.put(memory.id, after);
  count(state, 0, seq);
  keepVersion(state, after, at);
}

function keepVersion(state: MemoryState, memory: Memory, at: number): void {
  const { id, version, updatedBy, content, tags, source, lastSeq } = memory;
  state.memory_versions.put(versionId(id, version), {
    memory: id,
    version,
    agent: updatedBy,
    // What was imported is older than the event that brought it.
    at: version === 1 ? memory.createdAt : at,
    content,
    ...(tags && { tags }),
    ...(source !== undefined && { source }),
    seq: lastSeq,
  });
}

/** What a superseded or deleted memory had as its key may be another's. */
function giveUpKey(state: MemoryState, memory: Memory, seq: number): void {
  const { key } = memory;
  if (key === undefined) return;
  const id = keyId({ ...memory, key });
  if (state.memory_keys.get(id)?.memory === memory.id) state.memory_keys.put(id, { seq });
}

/** What stays: that it was there, whose it was, and who deleted it. The index forgets what its versions said. */
function bury(state: MemoryState, memory: Memory, deletedBy: string, { seq, at }: Event): void {
  const { tags: _, source: __, key: ___, ...rest } = memory;
  state.memories.put(memory.id, { ...rest, content: '', deletedAt: at, deletedBy, lastSeq: seq });
  count(state, memory.supersededBy === undefined ? -1 : 0, seq);
  giveUpKey(state, memory, seq);
}
