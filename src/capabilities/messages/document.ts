import type { Document } from '../../kernel/document.ts';
import { dmEnds, TASK_THREAD } from '../channels/state.ts';
import type { Message } from './state.ts';

/** What of a message is searched: its text and the names of what goes with it. A tombstone has no words. */
export function documentOf(entity: object): Document | undefined {
  const { from, to, content, timestamp, channel, threadId, attachments, deletedAt } = entity as Message;
  // What the server notes in the thread of a task says nothing that the task does not.
  if (deletedAt !== undefined || (from === 'system' && channel.startsWith(TASK_THREAD))) return undefined;
  const names = (attachments ?? []).map(({ name }) => name).filter((name) => typeof name === 'string');
  const readers = dmEnds(channel);
  return {
    text: [content, ...names].filter(Boolean).join('\n'),
    at: timestamp,
    ...(readers && { readers }),
    place: { channel, from, ...(to !== undefined && { to }), ...(threadId !== undefined && { thread: threadId }) },
  };
}
