import { z } from 'zod';
import { type Context, command } from '../../kernel/capability.ts';
import { findLiving, findMemory, tagOf } from './find.ts';
import { ChangeInput, DeleteInput, Memory as MemoryOutput } from './schema.ts';
import type { Changes, MemoryState } from './state.ts';
import { changed, changesOf } from './write.ts';

export const update = command({
  name: 'memories.update',
  summary: 'Writes a new version of a memory; the old one is kept. What is of the team may be changed by everybody.',
  http: ['PATCH /memories/:id'],
  actor: 'agent',
  complaint: 'agent is required',
  input: ChangeInput,
  output: z.object({ success: z.literal(true), memory: MemoryOutput }),
  etag: { of: ({ memory }) => memory.lastSeq, current: tagOf },
  decide({ id, agent, ...given }, { state }: Context<MemoryState>) {
    const memory = findLiving(state, id, agent);
    const changes = changesOf(memory, given as Changes);
    return Object.keys(changes).length === 0 ? [] : [changed(memory, agent, changes)];
  },
  answer: (_, state: MemoryState, { id, agent }) => ({
    success: true as const,
    memory: findMemory(state, id, agent) as z.input<typeof MemoryOutput>,
  }),
});

export const remove = command({
  name: 'memories.delete',
  summary: 'Deletes a memory with all its versions and leaves a tombstone.',
  http: ['DELETE /memories/:id'],
  actor: 'agent',
  complaint: 'agent is required',
  input: DeleteInput,
  output: z.object({ success: z.literal(true) }),
  etag: { of: () => undefined, current: tagOf },
  decide({ id, agent }, { state }: Context<MemoryState>) {
    const { scope } = findMemory(state, id, agent);
    return [{ type: 'memory_deleted', subject: id, data: { id, agent, scope } }];
  },
  answer: () => ({ success: true as const }),
});
