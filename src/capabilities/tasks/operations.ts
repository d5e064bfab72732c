import { z } from 'zod';
import { type LiveCollection, type QueryContext, query } from '../../kernel/capability.ts';
import { Refusal } from '../../kernel/errors.ts';
import { AgentName, wholeNumber } from '../../kernel/names.ts';
import { capBytes, listInput, listOutput, pick, shorten } from '../../kernel/page.ts';
import { TaskId, Task as TaskOutput, TaskPriority, TaskStatus } from './schema.ts';
import type { Task, TasksState } from './state.ts';

export interface State extends TasksState {
  tasks: LiveCollection<Task>;
}

const { limit, fields, compact } = listInput(1_000, 1_000);

const ListInput = z.object({
  status: TaskStatus.optional(),
  assignee: AgentName.optional(),
  assignedTo: AgentName.optional().describe('The same as assignee.'),
  createdBy: z.string().max(64).optional(),
  priority: TaskPriority.optional(),
  tags: z.string().max(1_024).optional().describe('Tasks with any of these tags, comma-separated.'),
  limit,
  offset: wholeNumber(0, Number.MAX_SAFE_INTEGER).default(0).describe('Tasks of the list to pass over.'),
  fields,
  compact,
});

const list = query({
  name: 'tasks.list',
  summary: 'Tasks that match, newest update first.',
  http: ['GET /tasks'],
  input: ListInput,
  output: z.object({ tasks: z.array(TaskOutput.partial()), total: z.number(), more: listOutput.more }),
  run({ limit, offset, fields, compact, ...filter }, { state }: QueryContext<State>) {
    const matching = [...state.tasks.values()].filter(matcher(filter));
    matching.sort((a, b) => b.updatedAt - a.updatedAt || b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1));
    const { taken } = capBytes(
      matching.slice(offset, offset + limit),
      (task) => Buffer.byteLength(JSON.stringify(task)) + 1,
    );
    return {
      tasks: pick(compact ? taken.map(toCompact) : taken, fields) as z.input<typeof TaskOutput>[],
      total: matching.length,
      ...(offset + taken.length < matching.length && { more: true }),
    };
  },
});

type Filter = Omit<z.infer<typeof ListInput>, 'limit' | 'offset' | 'fields' | 'compact'>;

function matcher({ status, assignee, assignedTo, createdBy, priority, tags }: Filter): (task: Task) => boolean {
  const anyOf = tags
    ?.split(',')
    .map((tag) => tag.trim())
    .filter(Boolean);
  const wanted: Partial<Task> = {};
  if (status !== undefined) wanted.status = status;
  if (createdBy !== undefined) wanted.createdBy = createdBy;
  if (priority !== undefined) wanted.priority = priority;
  const fields = Object.entries(wanted) as [keyof Task, string][];
  return (task) =>
    fields.every(([field, value]) => task[field] === value) &&
    [assignee, assignedTo].every((agent) => agent === undefined || task.assignee === agent) &&
    (!anyOf?.length || anyOf.some((tag) => task.tags?.includes(tag)));
}

/** Characters of a title in a compact list. */
const COMPACT = 280;

function toCompact({ description: _, metadata: __, ...task }: Task): Task {
  return { ...task, title: shorten(task.title, COMPACT) };
}

const get = query({
  name: 'tasks.get',
  summary: 'One task.',
  http: ['GET /tasks/:id'],
  input: z.object({ id: TaskId }),
  output: z.object({ task: TaskOutput }),
  run({ id }, { state }: QueryContext<State>) {
    const task = state.tasks.get(id);
    if (task === undefined)
      throw new Refusal('task_not_found', `There is no task "${id}".`, { error: 'Task not found' });
    return { task: task as z.input<typeof TaskOutput> };
  },
});

export const operations = [list, get];
