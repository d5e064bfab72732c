import type { Document } from '../../kernel/document.ts';
import type { Memory } from './state.ts';

/** What of a memory is searched: the name by which it is written again, and what it says. */
export function textOf({ key, content }: { key?: string | undefined; content: string }): string {
  return key === undefined ? content : `${key}\n${content}`;
}

/** What of a memory is searched; nothing where it is deleted or another replaces it. */
export function documentOf(entity: object): Document | undefined {
  const memory = entity as Memory;
  const { agent, scope, tags, createdAt, deletedAt, supersededBy } = memory;
  if (deletedAt !== undefined || supersededBy !== undefined) return undefined;
  return {
    text: textOf(memory),
    at: createdAt,
    ...(scope === 'agent' && { readers: [agent] }),
    place: { from: agent, scope, ...(tags !== undefined && { tags }) },
  };
}
