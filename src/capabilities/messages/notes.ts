import type { IndexView } from '../../kernel/capability.ts';
import { TASK_THREAD } from '../channels/state.ts';
import type { HistoryEntry } from '../tasks/state.ts';
import { type MessageFilter, type MessageRow, selectMessages } from './projection.ts';
import type { Message } from './state.ts';

/** What the actor of a task's event did, in words. Other events are not shown in the task's thread. */
const DEEDS: Readonly<Record<string, string>> = {
  task_updated: 'moved this',
  task_claimed: 'claimed this',
  task_lease_expired: 'ended the claim',
  task_released: 'gave this back',
  task_completed: 'completed this',
  task_failed: 'failed',
  task_reviewed: 'reviewed this',
  task_unblocked: 'unblocked this',
};

const SHOWN = Object.keys(DEEDS)
  .map((type) => `'${type}'`)
  .join(', ');

/** Changes of other fields than the status are for the history alone. */
const NOTES = `SELECT seq, doc FROM task_history WHERE task = ? AND seq < ?
  AND doc ->> 'type' IN (${SHOWN}) AND (doc ->> 'type' <> 'task_updated' OR doc -> '$.changes.status' IS NOT NULL)
  AND doc ->> 'at' >= ? AND doc ->> 'at' < ? AND doc ->> 'at' > ? ORDER BY seq DESC LIMIT ?`;

/** What became of a task, as a message in its thread. */
function noteOf({ seq, task, at, actor, type, changes, note }: HistoryEntry): Message {
  const { from, to } = changes.status ?? {};
  const moved = to === undefined ? '' : `: ${from} → ${to}`;
  return {
    id: `note-${seq}`,
    from: 'system',
    content: `${actor} ${DEEDS[type]}${moved}${note === undefined ? '' : ` (${note})`}`,
    timestamp: at,
    channel: `${TASK_THREAD}${task}`,
    reactions: {},
    metadata: { event: type, actor },
    seq,
  };
}

/** The newest messages of a task's thread that match, and what became of the task between them; newest first. */
export function selectThread(view: IndexView, channel: string, filter: MessageFilter, limit: number): MessageRow[] {
  const { sql, params } = selectMessages({ ...filter, channel }, undefined, limit);
  const messages = view.all<MessageRow>(sql, ...params);
  // The server's own words are from nobody, to nobody.
  if (filter.from !== undefined || filter.to !== undefined) return messages;
  const { beforeSeq = Number.MAX_SAFE_INTEGER, since = 0, before = Number.MAX_SAFE_INTEGER, after = -1 } = filter;
  const task = channel.slice(TASK_THREAD.length);
  const notes = view
    .all<MessageRow>(NOTES, task, beforeSeq, since, before, after, limit)
    .map(({ seq, doc }) => ({ seq, doc: JSON.stringify(noteOf(JSON.parse(doc) as HistoryEntry)) }));
  return [...messages, ...notes].sort((a, b) => b.seq - a.seq).slice(0, limit);
}
