/** Text of others within a line of its own: whatever was written, it begins no line that says something else. */
export function indented(text: string): string {
  return text.replace(/\r\n?|[\n\u2028\u2029]/g, '\n  ');
}

export interface MessageLike {
  id?: string;
  from?: string;
  channel?: string;
  content?: string;
  timestamp?: number;
  threadId?: string;
  reason?: string;
  priority?: string;
}

export function messageLine({ id, from, channel, content = '', threadId, reason, timestamp }: MessageLike): string {
  const about = [
    reason,
    `${from} in ${channel}`,
    threadId && `re ${threadId}`,
    timestamp !== undefined && new Date(timestamp).toISOString().slice(0, 16),
  ].filter(Boolean);
  return `[${id}] ${about.join(' · ')}: ${indented(content)}`;
}

export interface TaskLike {
  id?: string;
  title?: string;
  status?: string;
  priority?: string;
  assignee?: string;
  reviewer?: string;
  open_blockers?: number;
  blocked_reason?: string;
  description?: string;
  claim?: { id: string; agent: string; expiresAt: number };
}

export function taskLine({ id, title, status, priority, assignee, open_blockers, reviewer }: TaskLike): string {
  const about = [
    status,
    priority,
    assignee && `for ${assignee}`,
    reviewer && `reviewer ${reviewer}`,
    open_blockers && `${open_blockers} blockers`,
  ].filter(Boolean);
  return `[${id}] ${about.join(' · ')}: ${indented(title ?? '')}`;
}

/** A page's own cursor is for the next page; `cursor` of a result is the place in the order of events. */
export function paged<T extends object>(answer: T): Omit<T, 'cursor'> & { next_cursor?: string } {
  const { cursor, ...rest } = answer as T & { cursor?: string };
  return { ...rest, ...(cursor !== undefined && { next_cursor: cursor }) };
}

/** Says how to get the rest. */
export function moreLine({ more, cursor }: { more?: boolean; cursor?: string }): string[] {
  return more ? [cursor === undefined ? 'there is more: raise limit' : `there is more: cursor=${cursor}`] : [];
}
