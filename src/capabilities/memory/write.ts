import { z } from 'zod';
import { type Context, command } from '../../kernel/capability.ts';
import { Refusal } from '../../kernel/errors.ts';
import type { Draft, Event } from '../../kernel/event.ts';
import { flag } from '../../kernel/names.ts';
import { findMemory, holderOf, isLiving, mayRead, requireLiving } from './find.ts';
import { Memory as MemoryOutput, WriteInput } from './schema.ts';
import { NOTHING_SIMILAR, Similar, similarTo } from './similar.ts';
import type { Changes, Memory, MemoryState } from './state.ts';

type Input = z.infer<typeof WriteInput>;

/** The memories that are to be replaced. Throws where one is not there for the writer, or of another scope, or replaced already. */
function replacedBy({ supersedes = [], scope, agent }: Input, state: MemoryState): Memory[] {
  const ids = [...new Set(supersedes)];
  const found = ids.map((id) => state.memories.get(id));
  const unknown = ids.filter((_, i) => {
    const memory = found[i];
    return memory === undefined || memory.deletedAt !== undefined || !mayRead(memory, agent);
  });
  if (unknown.length > 0)
    throw new Refusal('unknown_memory', `There is no memory ${unknown.map((id) => `"${id}"`).join(', ')}.`, {
      extra: { unknown },
    });
  for (const memory of found as Memory[]) {
    if (memory.scope !== scope)
      throw new Refusal(
        'scope_mismatch',
        `The memory "${memory.id}" is of the scope ${memory.scope}, and this one of the scope ${scope}.`,
      );
    requireLiving(memory);
  }
  return found as Memory[];
}

/** The fields of which a change says something else than the memory has. */
export function changesOf(memory: Memory, { content, tags, source }: Changes): Changes {
  const wanted = tags === undefined ? undefined : [...new Set(tags ?? [])];
  const retagged = wanted !== undefined && JSON.stringify(wanted) !== JSON.stringify(memory.tags ?? []);
  return {
    ...(content !== undefined && content !== memory.content && { content }),
    ...(retagged && { tags: wanted.length > 0 ? wanted : null }),
    ...(source !== undefined && source !== (memory.source ?? null) && { source }),
  };
}

/** The event that makes a new version. */
export function changed(memory: Memory, agent: string, changes: Changes): Draft {
  const { id, scope, key, version } = memory;
  return {
    type: 'memory_changed',
    subject: id,
    data: { id, agent, scope, ...(key !== undefined && { key }), version: version + 1, ...changes },
  };
}

/** The event that makes a new memory. */
export function written({ agent, content, key, tags, scope, source }: Input, id: string, at: number): Draft {
  return {
    type: 'memory_written',
    subject: id,
    data: {
      id,
      agent,
      content,
      scope,
      ...(key !== undefined && { key }),
      ...(tags !== undefined && tags.length > 0 && { tags: [...new Set(tags)] }),
      ...(source !== undefined && { source }),
      createdAt: at,
      updatedAt: at,
      updatedBy: agent,
      version: 1,
    },
  };
}

/** What a write makes: a new memory, a new version of the one that has the key, or nothing where it says that already. */
export function draftsOfWrite(input: Input, context: Context<MemoryState>): Draft[] {
  const { state, now } = context;
  const replaced = replacedBy(input, state);
  const holder = holderOf(state, input);
  // Where the key's own memory is to be replaced, the key goes to the new one.
  const supersedes = replaced.map(({ id }) => id);
  const upserted = holder && !supersedes.includes(holder.id) ? holder : undefined;
  const more = supersedes.length > 0 ? { supersedes } : {};
  const changes = upserted && { ...changesOf(upserted, input as Changes), ...more };
  if (changes && Object.keys(changes).length === 0) return [];
  const id = upserted?.id ?? context.id('memory');
  const draft = upserted ? changed(upserted, input.agent, changes as Changes) : written(input, id, now);
  const { agent, scope } = input;
  return [
    upserted ? draft : { ...draft, data: { ...draft.data, ...more } },
    ...supersedes.map((each) => ({
      type: 'memory_superseded',
      subject: each,
      data: { id: each, agent, scope, supersededBy: id },
    })),
  ];
}

/** The memory that a write made or wrote anew. */
function writtenBy([event]: readonly Event[], state: MemoryState, input: Input): Memory {
  const id = event?.subject ?? holderOf(state, input)?.id;
  return findMemory(state, id as string, input.agent);
}

const ACTIONS: Readonly<Record<string, 'created' | 'updated'>> = {
  memory_written: 'created',
  memory_changed: 'updated',
};

export const write = command({
  name: 'memories.write',
  summary: 'Writes a memory, or a new version of the one that has the key.',
  http: ['POST /memories'],
  actor: 'agent',
  complaint: 'agent and content are required',
  input: WriteInput.extend({
    similar: flag.default(true).describe('0: do not look for memories that mean nearly the same.'),
  }),
  output: z.object({
    success: z.literal(true),
    memory: MemoryOutput,
    action: z.enum(['created', 'updated', 'unchanged']),
    ...Similar.shape,
  }),
  etag: {
    of: ({ memory }) => memory.lastSeq,
    current: (input, state: MemoryState) => holderOf(state, input)?.lastSeq,
  },
  prepare: ({ similar, content, agent }, context) =>
    similar ? similarTo(content, agent, context) : Promise.resolve(NOTHING_SIMILAR),
  decide: (input, context: Context<MemoryState>) => draftsOfWrite(input, context),
  answer(events, state: MemoryState, input, prepared = NOTHING_SIMILAR) {
    const memory = writtenBy(events, state, input);
    const { similar, ...rest } = prepared;
    return {
      success: true as const,
      memory: memory as z.input<typeof MemoryOutput>,
      action: ACTIONS[events[0]?.type ?? ''] ?? ('unchanged' as const),
      // The writer may have replaced some of them with this one, or have written one of them anew.
      similar: similar.filter(({ id }) => {
        const other = state.memories.get(id);
        return id !== memory.id && other !== undefined && isLiving(other) && mayRead(other, input.agent);
      }),
      ...rest,
    };
  },
});
