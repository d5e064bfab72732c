import type { LiveCollection } from '../../kernel/capability.ts';
import { Refusal } from '../../kernel/errors.ts';
import type { Task, TasksState } from './state.ts';

const ERROR = 'Task not found';

/** The task. Throws `task_not_found`, or `task_deleted` where there was one. */
export function findTask(state: TasksState, id: string): Task {
  const task = state.tasks.get(id);
  if (task !== undefined) return task;
  const gone = state.task_tombstones.get(id);
  if (gone === undefined) throw new Refusal('task_not_found', `There is no task "${id}".`, { error: ERROR });
  throw new Refusal('task_deleted', `The task "${id}" was deleted by ${gone.deletedBy}.`, {
    error: ERROR,
    extra: { deletedAt: gone.deletedAt, deletedBy: gone.deletedBy },
  });
}

/** The task that an agent has claimed; of several, the one that it has had longest. */
export function heldBy({ tasks }: { tasks: LiveCollection<Task> }, agent: string): Task | undefined {
  return tasks.first('held', agent);
}
