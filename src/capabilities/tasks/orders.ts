import type { OrderKey, OrderSpec } from '../../kernel/order.ts';
import { STATUSES } from './schema.ts';
import { isClosed, type Task, type TaskStatus } from './state.ts';

/** Where what has no place of its own stands: after all that have one. It can be written as JSON, as cursors need it. */
export const LAST = Number.MAX_SAFE_INTEGER;

/** 0 for P0; a task without a priority ranks as P3. */
export function rank({ priority }: Pick<Task, 'priority'>): number {
  return priority === undefined ? 3 : Number(priority[1]);
}

/** The place in the queue: P0 to P3, then what is due first, then the oldest. */
export function queueKey(task: Task): OrderKey {
  return [rank(task), task.due ?? LAST, task.createdAt, task.id];
}

/** The place in the list: newest update first. */
export function updatedKey(task: Pick<Task, 'updatedAt' | 'createdAt' | 'id'>): OrderKey {
  return [-task.updatedAt, -task.createdAt, task.id];
}

/** Groups that hold every task together. */
export const EVERY_TASK: readonly string[] = STATUSES.map((status) => `status ${status}`);

/** Groups that hold the tasks of an assignee together. */
export function tasksOf(assignee: string, statuses: readonly TaskStatus[] = STATUSES): string[] {
  return statuses.map((status) => `assignee ${assignee} ${status}`);
}

/** Tasks of one status, of one assignee and status; newest update first. What is asked for more widely is put together of these. */
const updated: OrderSpec<Task> = {
  fields: ['status', 'assignee', 'updatedAt'],
  groups: ({ status, assignee }) =>
    assignee === undefined ? [`status ${status}`] : [`status ${status}`, `assignee ${assignee} ${status}`],
  key: updatedKey,
};

/**
 * Tasks with one value of a field that seldom changes. They stand by age, so that an update moves nothing here: each
 * order that a task stands in makes every claim of it dearer.
 */
const label: OrderSpec<Task> = {
  fields: ['createdBy', 'priority', 'tags', 'parent', 'epic_id'],
  groups({ createdBy, priority, tags, parent, epic_id }) {
    const groups = [`createdBy ${createdBy}`];
    if (priority !== undefined) groups.push(`priority ${priority}`);
    if (parent !== undefined) groups.push(`parent ${parent}`);
    if (epic_id !== undefined) groups.push(`epic_id ${epic_id}`);
    if (tags) for (const tag of new Set(tags)) groups.push(`tags ${tag}`);
    return groups;
  },
  key: ({ createdAt, id }) => [-createdAt, id],
};

/** True where a task may be claimed. */
export function isOffered({ status, open_blockers }: Task): boolean {
  return status === 'todo' && open_blockers === undefined;
}

/** What may be claimed, by whom it was given to; `''` is anybody. */
const next: OrderSpec<Task> = {
  fields: ['status', 'open_blockers', 'assignee', 'priority', 'due'],
  groups: (task) => (isOffered(task) ? [task.assignee ?? ''] : []),
  key: queueKey,
};

/** The columns of the board: by position, then as in the queue; what is over, newest first. */
const board: OrderSpec<Task> = {
  fields: ['status', 'position', 'priority', 'due', 'updatedAt'],
  groups: ({ status }) => [status],
  key: (task) => [task.position ?? LAST, ...(isClosed(task) ? [-task.updatedAt, task.id] : queueKey(task))],
};

/** What somebody has claimed, by when the claim ends. */
const lease: OrderSpec<Task> = {
  fields: ['claim'],
  groups: ({ claim }) => (claim ? [''] : []),
  key: ({ claim, id }) => [claim?.expiresAt ?? 0, id],
};

/** What each agent has claimed, the oldest claim first. */
const held: OrderSpec<Task> = {
  fields: ['claim'],
  groups: ({ claim }) => (claim ? [claim.agent] : []),
  // The id of a claim begins with its time.
  key: ({ claim, id }) => [claim?.id ?? '', id],
};

export const orders = { updated, label, next, board, lease, held };
