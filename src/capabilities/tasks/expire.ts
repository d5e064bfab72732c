import { z } from 'zod';
import { type Context, command, type LiveCollection } from '../../kernel/capability.ts';
import { draftsOf } from './change.ts';
import { afterFailure } from './claim.ts';
import type { Claim, Task, TasksState } from './state.ts';

interface State extends TasksState {
  tasks: LiveCollection<Task>;
}

/** Leases that end in one command. */
const AT_ONCE = 200;

/** Ends the leases whose time is over. No door shows this: the server does it by itself. */
const expireLeases = command({
  name: 'tasks.expire_leases',
  summary: 'Puts back what nobody works at any more.',
  http: [],
  input: z.object({}),
  output: z.object({ expired: z.number() }),
  decide(_, context: Context<State>) {
    const { state, wall } = context;
    const over: Task[] = [];
    for (const task of state.tasks.inOrder('lease', '')) {
      if ((task.claim as Claim).expiresAt > wall || over.length === AT_ONCE) break;
      over.push(task);
    }
    return over.flatMap((task) => {
      const { agent, ttl, expiresAt } = task.claim as Claim;
      return draftsOf(state, task, {
        type: 'task_lease_expired',
        // Nobody could show a sign of life while the server was not there: that is no fault of the task.
        changes: expiresAt <= context.began ? { status: 'todo', assignee: null } : afterFailure(task, context),
        outcome: 'expired',
        reason: `${agent} gave no sign of life for ${ttl} s`,
        notify: [task.createdBy],
      });
    });
  },
  answer: (events) => ({ expired: events.length }),
});

export const due = {
  at: (state: State) => state.tasks.first('lease', '')?.claim?.expiresAt,
  command: expireLeases,
};
