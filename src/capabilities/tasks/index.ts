import { capability, entitiesOf, type LiveCollection } from '../../kernel/capability.ts';
import { analytics, countsByStatus } from './analytics.ts';
import { board } from './board.ts';
import { claim, complete, fail, heartbeat, release } from './claim.ts';
import { create } from './create.ts';
import { due } from './expire.ts';
import { history, historyTable, runs, runsTable } from './history.ts';
import { get, list } from './list.ts';
import { backlog, next, nextKey } from './next.ts';
import { isOffered, orders } from './orders.ts';
import { review } from './review.ts';
import { apply, type Task, type TasksState } from './state.ts';
import { remove, update } from './update.ts';

export { draftsOfNew } from './create.ts';
export { cycleOf, findCycle, requireParent } from './dependencies.ts';
export { findTask, heldBy } from './find.ts';
export { requireClaim, signOfLife } from './lease.ts';
export { firstFor as nextTask } from './next.ts';
export { EVERY_TASK } from './orders.ts';

interface State extends TasksState {
  tasks: LiveCollection<Task>;
}

export const tasks = capability<State>()({
  name: 'tasks',
  summary: 'Work that is handed over by program, and that nobody does twice.',
  collections: [
    { name: 'tasks', keep: 'memory', orders },
    { name: 'task_dependents', keep: 'memory' },
    { name: 'task_tombstones', keep: 'memory' },
    runsTable,
    historyTable,
  ],
  operations: [
    list,
    create,
    board,
    next,
    backlog,
    analytics,
    get,
    update,
    remove,
    claim,
    heartbeat,
    release,
    complete,
    fail,
    review,
    history,
    runs,
  ],
  events: {
    task_created: 'A task was created: the task.',
    task_assigned: 'A task was given to somebody: id, title, status, assignee.',
    task_updated: 'Fields of a task changed: id, title, status, assignee, changes (null: taken away), was.',
    task_claimed: 'An agent took a task: the same, and claim; run where it was taken from another.',
    task_lease_renewed: 'The holder of a task showed a sign of life: id, claim.',
    task_lease_expired: 'The holder of a task showed no sign of life in time: the task, changes, run (who held it).',
    task_released: 'The holder gave a task back: the task, changes, run, reason.',
    task_completed: 'The holder ended the work: the task, changes (with result and artifacts), run.',
    task_failed: 'The holder gave up: the task, changes, run, reason.',
    task_reviewed: 'The reviewer said yes or no: the task, changes (with review), comment.',
    task_unblocked: 'The last task that this one waited for is over: the task, blocker.',
    task_deleted: 'A task was deleted: id, title, assignee.',
  },
  apply,
  due,
  concerns: ({ data }, agent) => data.assignee === agent || (Array.isArray(data.notify) && data.notify.includes(agent)),
  wakes({ type, data }, { tasks }) {
    const { assignee, notify } = data;
    const agents = [...(typeof assignee === 'string' ? [assignee] : []), ...(Array.isArray(notify) ? notify : [])];
    const keys = agents.map((agent) => `of ${agent}`);
    const task = type.startsWith('task_') ? tasks.get(data.id as string) : undefined;
    if (task && isOffered(task)) keys.push(nextKey(task.assignee));
    return keys;
  },
  health: ({ tasks }) => ({ tasks: { total: tasks.size, byStatus: countsByStatus(tasks) } }),
  snapshot: (view) => ({
    tasks: entitiesOf<Task>(view, 'tasks'),
  }),
});
