import type { Document } from '../../kernel/document.ts';
import type { Task } from './state.ts';

/** What of a task is searched: its title, what it asks for, its labels, and what came of it. */
export function documentOf(entity: object): Document {
  const { title, description, tags, blocked_reason, result, createdBy, assignee, channel, createdAt } = entity as Task;
  const told = typeof result === 'string' ? result : undefined;
  return {
    text: [title, description, tags?.join(' '), blocked_reason, told].filter(Boolean).join('\n'),
    at: createdAt,
    place: {
      from: createdBy,
      ...(assignee !== undefined && { to: assignee }),
      ...(channel !== undefined && { channel }),
      ...(tags !== undefined && { tags }),
    },
  };
}
