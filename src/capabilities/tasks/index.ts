import { capability } from '../../kernel/capability.ts';
import { operations, type State } from './operations.ts';
import { apply, type Task } from './state.ts';

export const tasks = capability<State>({
  name: 'tasks',
  summary: 'Work that is handed over by program.',
  collections: [{ name: 'tasks', keep: 'memory' }],
  operations,
  events: { task_created: 'A task was created: the task.' },
  apply,
  concerns: ({ data }, agent) => data.assignee === agent,
  health(state) {
    const byStatus: Record<string, number> = {};
    for (const { status } of state.tasks.values()) byStatus[status] = (byStatus[status] ?? 0) + 1;
    return { tasks: { total: state.tasks.size, byStatus } };
  },
  snapshot: (view) => ({
    tasks: view
      .all<{ doc: string }>("SELECT doc FROM entity WHERE collection = 'tasks'")
      .map(({ doc }) => JSON.parse(doc) as Task),
  }),
});
