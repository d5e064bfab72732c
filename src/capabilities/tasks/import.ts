import { z } from 'zod';
import { type Context, command } from '../../kernel/capability.ts';
import type { Event } from '../../kernel/event.ts';
import { fitsOneEvent, Outcome, outcomeOf, TOO_LARGE } from '../../kernel/import.ts';
import { HistoricTask } from './schema.ts';
import type { Task, TasksState } from './state.ts';

/** A task with its history: its own id and times. */
export const ImportedTask = HistoricTask.refine(fitsOneEvent, TOO_LARGE);
export type ImportedTask = z.infer<typeof ImportedTask>;

/** Takes over tasks that were made elsewhere; what is there already, or was deleted here, stays as it is. No door shows this. */
export const importTasks = command({
  name: 'tasks.import',
  summary: 'Takes over tasks with their ids and times.',
  http: [],
  input: z.object({ tasks: z.array(ImportedTask).max(500) }),
  output: z.object({ outcomes: z.array(Outcome) }),
  decide({ tasks }, { state }: Context<TasksState>) {
    const made = new Set<string>();
    return tasks.flatMap((task) => {
      const known = state.tasks.get(task.id) ?? state.task_tombstones.get(task.id);
      if (known !== undefined || made.has(task.id)) return [];
      made.add(task.id);
      return [{ type: 'task_created', actor: task.createdBy, subject: task.id, data: task }];
    });
  },
  answer(events: readonly Event[], state: TasksState, { tasks }) {
    const created = new Set(events.map(({ subject }) => subject));
    return {
      outcomes: tasks.map((task) =>
        created.has(task.id) ? 'imported' : outcomeOf(task, asImported(state.tasks.get(task.id))),
      ),
    };
  },
});

/** What of a task came with it, and is not what was made of it here. */
function asImported(task: Task | undefined): unknown {
  if (task === undefined) return undefined;
  const { seq: _, open_blockers: __, subtasks: ___, ...rest } = task;
  return rest;
}
