import type { ImportedMessage } from '../../capabilities/messages/import.ts';

/** A message that is ready to be posted, with the ids of its replies. */
export interface Arranged {
  message: ImportedMessage;
  replies: string[];
}

/** Puts every first message of a thread before its replies, and makes threads one level deep; else the order stays. */
export function arrangeThreads(messages: readonly ImportedMessage[]): Arranged[] {
  const byId = new Map(messages.map((message) => [message.id, message]));
  const replies = new Map<string, string[]>();
  const flat = new Map<string, ImportedMessage>();
  for (const message of messages) {
    const { threadId, ...rest } = message;
    const root = rootOf(message.id, threadId, byId);
    if (root !== undefined) {
      const known = replies.get(root);
      if (known === undefined) replies.set(root, [message.id]);
      else known.push(message.id);
    }
    flat.set(message.id, root === threadId ? message : { ...rest, ...(root !== undefined && { threadId: root }) });
  }
  const arranged = new Map<string, Arranged>();
  const add = (message: ImportedMessage) => {
    if (!arranged.has(message.id)) arranged.set(message.id, { message, replies: replies.get(message.id) ?? [] });
  };
  for (const message of flat.values()) {
    const root = message.threadId === undefined ? undefined : flat.get(message.threadId);
    if (root !== undefined) add(root);
    add(message);
  }
  return [...arranged.values()];
}

/** The first message of the thread, or the id of it that is missing; undefined where messages answer each other in a ring. */
function rootOf(
  id: string,
  threadId: string | undefined,
  byId: ReadonlyMap<string, ImportedMessage>,
): string | undefined {
  const seen = new Set([id]);
  let root = threadId;
  while (root !== undefined && !seen.has(root)) {
    seen.add(root);
    const next = byId.get(root)?.threadId;
    if (next === undefined || next === root) break;
    root = next;
  }
  return root === id ? undefined : root;
}
