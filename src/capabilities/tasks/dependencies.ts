import { Refusal } from '../../kernel/errors.ts';
import { MAX_BLOCKERS } from './schema.ts';
import { isClosed, type Task, type TasksState } from './state.ts';

/** Blockers that are open, in the order in which the task names them. */
export function openBlockers(state: TasksState, task: Pick<Task, 'blocked_by'>): string[] {
  return (task.blocked_by ?? []).filter((id) => {
    const blocker = state.tasks.get(id);
    return blocker !== undefined && !isClosed(blocker);
  });
}

/** The tasks that wait for this one and for no other. */
export function unblockedBy(state: TasksState, blocker: Task): Task[] {
  return (state.task_dependents.get(blocker.id)?.tasks ?? []).flatMap((id) => {
    const task = state.tasks.get(id);
    return task && !isClosed(task) && task.open_blockers === 1 ? [task] : [];
  });
}

/**
 * Throws where `id` (a task that is there, or one that is being created) cannot wait for these: `unknown_task`,
 * `dependency_cycle` with the cycle, `too_many_dependents`.
 */
export function requireBlockers(state: TasksState, id: string | undefined, blockers: readonly string[]): void {
  requireKnown(state, blockers, 'blocked_by');
  for (const blocker of blockers) {
    const dependents = state.task_dependents.get(blocker)?.tasks ?? [];
    if (dependents.length >= MAX_BLOCKERS && !dependents.includes(id ?? ''))
      throw new Refusal('too_many_dependents', `${MAX_BLOCKERS} tasks wait for "${blocker}" already.`);
  }
  if (id === undefined) return;
  const cycle = findCycle(id, blockers, (task) => state.tasks.get(task)?.blocked_by ?? []);
  if (cycle) throw cycleOf(cycle, 'blocked_by');
}

/** Throws where a task cannot be a part of this one: `unknown_task`, `dependency_cycle`. */
export function requireParent(state: TasksState, id: string | undefined, parent: string): void {
  requireKnown(state, [parent], 'parent');
  if (id === undefined) return;
  const cycle = findCycle(id, [parent], (task) => {
    const above = state.tasks.get(task)?.parent;
    return above === undefined ? [] : [above];
  });
  if (cycle) throw cycleOf(cycle, 'parent');
}

function requireKnown(state: TasksState, ids: readonly string[], field: string): void {
  const unknown = ids.filter((id) => state.tasks.get(id) === undefined);
  if (unknown.length === 0) return;
  throw new Refusal('unknown_task', `${field}: there is no task ${unknown.map((id) => `"${id}"`).join(', ')}.`, {
    extra: { unknown },
    errors: [{ pointer: `/${field}`, detail: `unknown: ${unknown.join(', ')}` }],
  });
}

/** The refusal that names a cycle: each waits for the next, and the last is the first. */
export function cycleOf(cycle: readonly string[], field: string): Refusal {
  return new Refusal('dependency_cycle', `${field} would make a cycle: ${cycle.join(' → ')}.`, {
    extra: { cycle },
    errors: [{ pointer: `/${field}`, detail: `a cycle: ${cycle.join(' → ')}` }],
  });
}

/** The way from `id` over one of `next` back to `id`; undefined where there is none. */
export function findCycle(
  id: string,
  next: readonly string[],
  after: (id: string) => readonly string[],
): string[] | undefined {
  const cameFrom = new Map<string, string>();
  const open: string[] = [];
  const visit = (from: string, to: string) => {
    if (cameFrom.has(to)) return;
    cameFrom.set(to, from);
    open.push(to);
  };
  for (const each of next) visit(id, each);
  while (!cameFrom.has(id)) {
    const current = open.pop();
    if (current === undefined) return undefined;
    for (const each of after(current)) visit(current, each);
  }
  const way = [id];
  for (let at = cameFrom.get(id) as string; at !== id; at = cameFrom.get(at) as string) way.unshift(at);
  return [id, ...way];
}
