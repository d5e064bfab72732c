import { z } from 'zod';
import { AgentName, flag, wholeNumber } from '../../kernel/names.ts';
import { EVERY_TASK, tasksOf } from './orders.ts';
import { STATUSES, TaskId, TaskPriority } from './schema.ts';
import type { Task, TaskStatus } from './state.ts';

const time = wholeNumber(0, Number.MAX_SAFE_INTEGER).optional();
const anyStatus = STATUSES.join('|');

/** Which tasks a list wants: all that is given must hold. */
export const filterFields = {
  status: z
    .string()
    .regex(new RegExp(`^(?:${anyStatus})(?:,(?:${anyStatus}))*$`), `one or more of ${STATUSES.join(', ')}`)
    .optional()
    .describe(`One or more of ${STATUSES.join(', ')}, comma-separated.`),
  assignee: AgentName.optional(),
  assignedTo: AgentName.optional().describe('The same as assignee.'),
  createdBy: z.string().max(64).optional(),
  reviewer: AgentName.optional(),
  priority: TaskPriority.optional(),
  tags: z.string().max(1_024).optional().describe('Tasks with any of these tags, comma-separated.'),
  parent: TaskId.optional(),
  epic_id: z.string().max(128).optional(),
  channel: z.string().max(160).optional(),
  blocked: flag.optional().describe('1: only tasks that wait for others; 0: only those that wait for none.'),
  since: time.describe('Changed at or after this time, in milliseconds since 1970.'),
  due_before: time.describe('Due before this time.'),
};
export type TaskFilter = z.infer<z.ZodObject<typeof filterFields>>;

/** One condition of a filter. */
export interface Condition {
  holds(task: Task): boolean;
  /** Groups in which every task is that fulfils it, and no other. */
  groups?: readonly string[];
  /** The order that has them, where it is not `updated`. */
  order?: 'label';
  /** True where a task may be in several of the groups. */
  overlap?: true;
}

function split(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean);
}

/** The conditions of a filter. */
export function conditionsOf(filter: TaskFilter): Condition[] {
  const conditions = [ofStatusAndAssignee(filter)];
  if (filter.assignedTo !== undefined) conditions.push(ofStatusAndAssignee({ assignee: filter.assignedTo }));
  for (const field of ['createdBy', 'priority', 'parent', 'epic_id'] as const) {
    const value = filter[field];
    if (value !== undefined)
      conditions.push({ order: 'label', groups: [`${field} ${value}`], holds: (task) => task[field] === value });
  }
  const tags = split(filter.tags ?? '');
  if (tags.length > 0)
    conditions.push({
      order: 'label',
      groups: tags.map((tag) => `tags ${tag}`),
      holds: (task) => tags.some((tag) => task.tags?.includes(tag)),
      ...(tags.length > 1 && { overlap: true as const }),
    });
  for (const field of ['reviewer', 'channel'] as const) {
    const value = filter[field];
    if (value !== undefined) conditions.push({ holds: (task) => task[field] === value });
  }
  const { blocked, since, due_before: dueBefore } = filter;
  if (blocked !== undefined) conditions.push({ holds: (task) => (task.open_blockers !== undefined) === blocked });
  if (since !== undefined) conditions.push({ holds: (task) => task.updatedAt >= since });
  if (dueBefore !== undefined) conditions.push({ holds: (task) => task.due !== undefined && task.due < dueBefore });
  return conditions;
}

/** True of the condition that every task fulfils. */
export function isEverything({ groups }: Condition): boolean {
  return groups === EVERY_TASK;
}

/** The two that are asked for together most; neither: every task. */
function ofStatusAndAssignee({ status, assignee }: Pick<TaskFilter, 'status' | 'assignee'>): Condition {
  const statuses = status === undefined ? undefined : ([...new Set(split(status))] as TaskStatus[]);
  const holds = (task: Task) =>
    (statuses === undefined || statuses.includes(task.status)) &&
    (assignee === undefined || task.assignee === assignee);
  if (assignee !== undefined) return { holds, groups: tasksOf(assignee, statuses) };
  return { holds, groups: statuses?.map((each) => `status ${each}`) ?? EVERY_TASK };
}
