import type { Entities } from '../../kernel/collection.ts';
import type { Event } from '../../kernel/event.ts';

export type TaskStatus = 'todo' | 'doing' | 'blocked' | 'validating' | 'done' | 'cancelled';

/** Who has a task, and until when. A task with a claim is `doing`. */
export interface Claim {
  id: string;
  agent: string;
  generation: number;
  expiresAt: number;
  /** Seconds. */
  ttl: number;
}

/** Work that somebody is to do. Times are milliseconds since 1970. */
export interface Task {
  id: string;
  title: string;
  description?: string;
  status: TaskStatus;
  assignee?: string;
  createdBy: string;
  createdAt: number;
  updatedAt: number;
  priority?: 'P0' | 'P1' | 'P2' | 'P3';
  blocked_by?: readonly string[];
  epic_id?: string;
  tags?: readonly string[];
  metadata?: Record<string, unknown>;
  reviewer?: string;
  review?: { by: string; verdict: 'approved' | 'rejected'; at: number; comment?: string };
  parent?: string;
  /** Kept, not counted: its parts, without cancelled ones. */
  subtasks?: { total: number; done: number };
  /** Kept, not counted: blockers that are open. */
  open_blockers?: number;
  channel?: string;
  capabilities?: readonly string[];
  due?: number;
  position?: number;
  claim?: Claim;
  /** Claims so far. */
  generation?: number;
  /** Runs that failed or expired since a person last looked at it. */
  failed_runs?: number;
  blocked_reason?: string;
  result?: unknown;
  artifacts?: readonly Record<string, unknown>[];
  startedAt?: number;
  completedAt?: number;
  /** What it is an occurrence of, and for which time. */
  recurring?: string;
  scheduledAt?: number;
  workflow?: string;
  /** The event that last changed it. */
  seq: number;
}

export type Outcome =
  | 'completed'
  | 'failed'
  | 'expired'
  | 'released'
  | 'blocked'
  | 'cancelled'
  | 'taken_over'
  | 'deleted';

/** One attempt at a task. */
export interface Run {
  task: string;
  generation: number;
  agent: string;
  start: number;
  end?: number;
  outcome?: Outcome;
  reason?: string;
  result?: unknown;
  artifacts?: readonly Record<string, unknown>[];
  /** The event that began it. */
  seq: number;
}

/** What one event did to a task: for each changed field what it was and what it is. */
export interface HistoryEntry {
  seq: number;
  task: string;
  at: number;
  actor: string;
  type: string;
  changes: Record<string, { from?: unknown; to?: unknown }>;
  /** What was said with it: a reason, a comment, the outcome of a run. */
  note?: string;
}

export interface TasksState {
  tasks: Entities<Task>;
  /** By the blocker's id: the tasks that wait for it. */
  task_dependents: Entities<{ tasks: readonly string[] }>;
  task_tombstones: Entities<{ id: string; deletedAt: number; deletedBy: string }>;
  task_runs: Entities<Run>;
  task_history: Entities<HistoryEntry>;
}

/** What an event says of a task beside what it is. `null` in `changes` takes a field away. */
export interface TaskChange {
  id: string;
  changes?: Record<string, unknown>;
  /** The claim from now on; `null`: none. */
  claim?: Claim | null;
  /** How the run ended that was going on. */
  run?: { generation: number; agent: string; outcome: Outcome };
  reason?: string;
  comment?: string;
}

/** True where the work is over, well or not. */
export function isClosed({ status }: Pick<Task, 'status'>): boolean {
  return status === 'done' || status === 'cancelled';
}

/** The name of a run: it is the task's n-th. */
export function runId(task: string, generation: number): string {
  return `${task}#${generation}`;
}

/** Folds tasks, their runs and their history. */
export function apply(state: TasksState, event: Event): void {
  if (!event.type.startsWith('task_')) return;
  if (event.type === 'task_created') return create(state, event);
  const data = event.data as unknown as TaskChange;
  const before = state.tasks.get(data.id);
  if (before === undefined) return;
  if (event.type === 'task_deleted') return remove(state, before, event);
  const after = changed(before, data, event);
  put(state, before, after);
  if (data.run) endRun(state, data, event);
  if (data.claim && data.claim.generation !== before.generation) beginRun(state, data.claim, event);
  // A sign of life changes nothing that anybody would look up.
  if (event.type !== 'task_lease_renewed') record(state, before, event);
}

/** Makes what follows from a task that came whole: who waits for whom. */
export function restore(state: TasksState, task: Task): void {
  link(state, undefined, task);
}

function create(state: TasksState, event: Event): void {
  const { notify: _, ...task } = event.data as unknown as Task & { notify?: unknown };
  put(state, undefined, { ...task, seq: event.seq });
  record(state, undefined, event);
}

/** The task as an event leaves it. A renewed claim is no update. */
function changed(before: Task, { changes, claim }: TaskChange, { seq, at }: Event): Task {
  const after: Record<string, unknown> & Partial<Task> = { ...before, seq };
  if (changes) {
    for (const [field, value] of Object.entries(changes)) {
      if (value === null) delete after[field];
      else after[field] = value;
    }
    after.updatedAt = at;
  }
  if (claim === null) delete after.claim;
  else if (claim) {
    after.claim = claim;
    after.generation = claim.generation;
  }
  if (claim !== undefined && claim?.generation !== before.claim?.generation) after.updatedAt = at;
  return keepTimes(before, after as Task, at);
}

/** When work on it began and ended; what kept it from being worked at ends with `blocked`. */
function keepTimes(before: Task, after: Task, at: number): Task {
  if (after.status === before.status) return after;
  if (after.status === 'doing') after.startedAt ??= at;
  if (after.status === 'done') after.completedAt = at;
  else delete after.completedAt;
  // What was approved was the work as it was then.
  if (before.status === 'done') delete after.review;
  if (before.status === 'blocked') delete after.blocked_reason;
  // Whoever opens a task again has looked at it, and what succeeds has not failed.
  if (before.status === 'blocked' || after.status === 'done') delete after.failed_runs;
  return after;
}

function remove(state: TasksState, task: Task, event: Event): void {
  state.task_tombstones.put(task.id, { id: task.id, deletedAt: event.at, deletedBy: event.actor });
  const data = event.data as unknown as TaskChange;
  if (data.run) endRun(state, data, event);
  link(state, task, undefined);
  state.tasks.delete(task.id);
  countSubtask(state, task, -1);
  recountDependents(state, task.id);
  record(state, task, event);
}

/** Puts a task, and tells those whose figures depend on it. */
function put(state: TasksState, before: Task | undefined, after: Task): void {
  const sameBlockers = before !== undefined && before.blocked_by === after.blocked_by;
  state.tasks.put(after.id, sameBlockers ? after : withOpenBlockers(state, after));
  if (!sameBlockers) link(state, before, after);
  if (before === undefined || before.status !== after.status || before.parent !== after.parent) {
    if (before) countSubtask(state, before, -1);
    countSubtask(state, after, 1);
  }
  if (before === undefined || isClosed(before) !== isClosed(after)) recountDependents(state, after.id);
}

function withOpenBlockers(state: TasksState, task: Task): Task {
  let open = 0;
  for (const id of new Set(task.blocked_by)) {
    const blocker = state.tasks.get(id);
    if (blocker && !isClosed(blocker)) open++;
  }
  const { open_blockers: _, ...rest } = task;
  return open === 0 ? rest : { ...rest, open_blockers: open };
}

/** Keeps for each blocker who waits for it, also for one that is not there (an import may bring it later). */
function link(state: TasksState, before: Task | undefined, after: Task | undefined): void {
  const from = before?.blocked_by ?? [];
  const to = after?.blocked_by ?? [];
  const id = (after ?? before)?.id as string;
  for (const blocker of from) {
    if (to.includes(blocker)) continue;
    const rest = (state.task_dependents.get(blocker)?.tasks ?? []).filter((task) => task !== id);
    if (rest.length === 0) state.task_dependents.delete(blocker);
    else state.task_dependents.put(blocker, { tasks: rest });
  }
  for (const blocker of to) {
    if (!from.includes(blocker))
      state.task_dependents.put(blocker, { tasks: [...(state.task_dependents.get(blocker)?.tasks ?? []), id] });
  }
}

function recountDependents(state: TasksState, blocker: string): void {
  for (const id of state.task_dependents.get(blocker)?.tasks ?? []) {
    const task = state.tasks.get(id);
    if (task) state.tasks.put(id, withOpenBlockers(state, task));
  }
}

function countSubtask(state: TasksState, { parent: id, status }: Task, by: 1 | -1): void {
  const parent = id === undefined ? undefined : state.tasks.get(id);
  if (parent === undefined || status === 'cancelled') return;
  const { total, done } = parent.subtasks ?? { total: 0, done: 0 };
  const subtasks = { total: total + by, done: done + (status === 'done' ? by : 0) };
  const { subtasks: _, ...rest } = parent;
  state.tasks.put(parent.id, subtasks.total === 0 ? rest : { ...rest, subtasks });
}

function beginRun(state: TasksState, { generation, agent }: Claim, { seq, at, data }: Event): void {
  const task = data.id as string;
  state.task_runs.put(runId(task, generation), { task, generation, agent, start: at, seq });
}

function endRun(state: TasksState, { id, run, reason, changes }: TaskChange, { at }: Event): void {
  const { generation, outcome } = run as NonNullable<TaskChange['run']>;
  const begun = state.task_runs.get(runId(id, generation));
  // A window of history does not hold every run that ends later.
  if (begun === undefined) return;
  const ended: Run = { ...begun, end: at, outcome };
  if (reason !== undefined) ended.reason = reason;
  if (outcome === 'completed' && changes?.result != null) ended.result = changes.result;
  if (outcome === 'completed' && changes?.artifacts != null)
    ended.artifacts = changes.artifacts as Record<string, unknown>[];
  state.task_runs.put(runId(id, generation), ended);
}

/** Writes down what an event changed, as far as it says so: what follows from that is not repeated. */
function record(state: TasksState, before: Task | undefined, event: Event): void {
  const { seq, at, actor, type } = event;
  const { id, changes: given, reason, comment, run } = event.data as unknown as TaskChange;
  const note = reason ?? comment ?? run?.outcome;
  // `task_assigned` says again what the event before it changed.
  if (type === 'task_assigned') return;
  const changes: HistoryEntry['changes'] = {};
  for (const field in given) {
    if (field === 'failed_runs') continue;
    const from = before?.[field as keyof Task];
    const to = given[field];
    changes[field] = from === undefined ? { to } : to === null ? { from } : { from, to };
  }
  const entry: HistoryEntry = { seq, task: id, at, actor, type, changes };
  if (note !== undefined) entry.note = note;
  state.task_history.put(String(seq), entry);
}
