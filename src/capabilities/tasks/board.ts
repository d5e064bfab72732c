import { z } from 'zod';
import { type LiveCollection, type QueryContext, query } from '../../kernel/capability.ts';
import { AgentName, wholeNumber } from '../../kernel/names.ts';
import { LIST_BYTES, listInput } from '../../kernel/page.ts';
import { conditionsOf, filterFields, isEverything } from './filter.ts';
import { fitting, present } from './list.ts';
import { STATUSES, Task as TaskOutput, TaskStatus } from './schema.ts';
import type { Task, TasksState } from './state.ts';

interface State extends TasksState {
  tasks: LiveCollection<Task>;
}

const { fields, compact } = listInput(50, 500);
const { createdBy, reviewer, priority, tags, parent, epic_id, channel } = filterFields;

export const board = query({
  name: 'tasks.board',
  summary: 'The columns: by position, then P0 to P3, due time and age; what is over, newest first.',
  http: ['GET /tasks/board'],
  input: z.object({
    assignee: AgentName.optional(),
    createdBy,
    reviewer,
    priority,
    tags,
    parent,
    epic_id,
    channel,
    limit: wholeNumber(1, Number.MAX_SAFE_INTEGER)
      .transform((n) => Math.min(n, 500))
      .default(50)
      .describe('Tasks of a column at most: 50 unless said, never more than 500.'),
    fields,
    compact,
  }),
  output: z.object({
    columns: z.array(
      z.object({
        status: TaskStatus,
        count: z.number().meta({ description: 'All of the column, shown or not.' }),
        tasks: z.array(TaskOutput.partial()),
        more: z.boolean().optional(),
      }),
    ),
  }),
  run({ limit, fields, compact, ...filter }, { state: { tasks } }: QueryContext<State>) {
    const conditions = conditionsOf(filter).filter((condition) => !isEverything(condition));
    return {
      columns: STATUSES.map((status) => {
        const first: Task[] = [];
        let count = 0;
        for (const task of tasks.inOrder('board', status)) {
          if (!conditions.every(({ holds }) => holds(task))) continue;
          count++;
          if (first.length < limit) first.push(task);
          else if (conditions.length === 0) break;
        }
        if (conditions.length === 0) count = tasks.count('board', status);
        const taken = fitting(first, LIST_BYTES / STATUSES.length);
        return {
          status,
          count,
          tasks: present(taken, fields, compact),
          ...(taken.length < count && { more: true as const }),
        };
      }),
    };
  },
});
