import type { Document } from '../../kernel/document.ts';
import type { Memory } from './state.ts';

/** What of a memory is searched: the name by which it is written again, and what it says. Nothing where it is deleted or another replaces it. */
export function documentOf(entity: object): Document | undefined {
  const { agent, content, scope, key, tags, createdAt, deletedAt, supersededBy } = entity as Memory;
  if (deletedAt !== undefined || supersededBy !== undefined) return undefined;
  return {
    text: key === undefined ? content : `${key}\n${content}`,
    at: createdAt,
    ...(scope === 'agent' && { readers: [agent] }),
    place: { from: agent, scope, ...(tags !== undefined && { tags }) },
  };
}
