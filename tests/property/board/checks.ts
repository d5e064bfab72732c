import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';
import { orders } from '../../../src/capabilities/tasks/orders.ts';
import {
  apply,
  type HistoryEntry,
  type Run,
  type Task,
  type TasksState,
} from '../../../src/capabilities/tasks/state.ts';
import type { Entities, LiveCollection } from '../../../src/kernel/collection.ts';
import type { Event } from '../../../src/kernel/event.ts';
import type { Kernel } from '../../../src/kernel/kernel.ts';
import { compareKeys, type OrderSpec } from '../../../src/kernel/order.ts';
import type { Json } from '../../support/node.ts';
import { AGENTS, idOf, type Look } from './acts.ts';
import { type Board, byUrgency, type Card, compare, isOver, openBlockers, queueFor, STATUSES } from './board.ts';

/** Asks a query as a client does. */
export type Ask = (op: string, input: object) => Promise<Json>;

/** Claims that two things are alike, at the price of the cheaper comparison where they are. */
export function expectSame(actual: unknown, expected: unknown, what: string): void {
  if (!isDeepStrictEqual(actual, expected)) expect(actual, what).toStrictEqual(expected);
}

/** Lets everything happen that is due in the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Claims that every task is as the model has it: no field more, none less, and every figure as a recount has it. */
export function expectTasks({ cards }: Board, tasks: LiveCollection<Task>): void {
  const real = Object.fromEntries([...tasks.values()].map((task) => [task.id, shown(task)]));
  expectSame(real, Object.fromEntries([...cards.values()].map((card) => [card.id, expected(cards, card)])), 'tasks');
}

/** Words for people are of no account: only that they are there. */
function shown({ blocked_reason: reason, review, ...task }: Task): object {
  return {
    ...task,
    ...(reason !== undefined && { blocked_reason: typeof reason }),
    ...(review !== undefined && { review: review.verdict }),
  };
}

function expected(cards: Board['cards'], card: Card): object {
  const parts = [...cards.values()].filter(({ parent, status }) => parent === card.id && status !== 'cancelled');
  const open = openBlockers(cards, card).length;
  const { lease, runs, failures } = card;
  return {
    id: card.id,
    title: card.title,
    status: card.status,
    createdBy: card.createdBy,
    createdAt: card.createdAt,
    updatedAt: card.updatedAt,
    seq: card.seq,
    ...(card.assignee !== undefined && { assignee: card.assignee }),
    ...(card.reviewer !== undefined && { reviewer: card.reviewer }),
    ...(card.priority !== undefined && { priority: card.priority }),
    ...(card.due !== undefined && { due: card.due }),
    ...(card.position !== undefined && { position: card.position }),
    ...(card.parent !== undefined && { parent: card.parent }),
    ...(card.tags.length > 0 && { tags: card.tags }),
    ...(card.blockedBy.length > 0 && { blocked_by: card.blockedBy }),
    ...(open > 0 && { open_blockers: open }),
    ...(parts.length > 0 && {
      subtasks: { total: parts.length, done: parts.filter(({ status }) => status === 'done').length },
    }),
    ...(lease && {
      claim: { id: lease.id, agent: lease.agent, generation: runs.length, expiresAt: lease.until, ttl: lease.ttl },
    }),
    ...(runs.length > 0 && { generation: runs.length }),
    ...(failures > 0 && { failed_runs: failures }),
    ...(card.stuck && { blocked_reason: 'string' }),
    ...(card.verdict !== undefined && { review: card.verdict }),
    ...(card.result !== undefined && { result: card.result }),
    ...(card.startedAt !== undefined && { startedAt: card.startedAt }),
    ...(card.completedAt !== undefined && { completedAt: card.completedAt }),
  };
}

/** Every order as it stands: its groups, and who is where in them. */
export function standing(tasks: LiveCollection<Task>): Record<string, Record<string, string[]>> {
  const inGroups = (order: string) =>
    [...tasks.groups(order)].map((group) => [group, [...tasks.inOrder(order, group)].map(({ id }) => id)] as const);
  return Object.fromEntries(Object.keys(orders).map((order) => [order, Object.fromEntries(inGroups(order))]));
}

/** Claims that every order stands as if it were sorted now, and counts as if it were counted now. */
export function expectOrders(tasks: LiveCollection<Task>): void {
  const all = [...tasks.values()];
  const sorted = Object.entries<OrderSpec<Task>>(orders).map(([order, { groups, key }]) => {
    const naive: Record<string, string[]> = {};
    for (const task of all.sort((a, b) => compareKeys(key(a), key(b))))
      for (const group of groups(task)) (naive[group] ??= []).push(task.id);
    for (const [group, ids] of Object.entries(naive))
      expectSame(tasks.count(order, group), ids.length, `count of ${order} ${group}`);
    return [order, naive];
  });
  expectSame(standing(tasks), Object.fromEntries(sorted), 'orders');
}

class Plain<T extends object> extends Map<string, T> implements Entities<T> {
  put(id: string, entity: T): void {
    this.set(id, entity);
  }
}

/** The state folded from events as a browser folds it: maps, and each event as it came over the wire. */
export class Folded implements TasksState {
  readonly tasks = new Plain<Task>();
  readonly task_dependents = new Plain<{ tasks: readonly string[] }>();
  readonly task_tombstones = new Plain<{ id: string; deletedAt: number; deletedBy: string }>();
  readonly task_runs = new Plain<Run>();
  readonly task_history = new Plain<HistoryEntry>();
  readonly comments = new Map<string, number>();
  readonly unblocked: string[] = [];
  seq = 0;

  add(frame: string): void {
    const event = JSON.parse(frame) as Event<Json>;
    expectSame(event.seq, ++this.seq, 'seq');
    const before = this.tasks.get(event.data.id);
    apply(this, event);
    if (event.type === 'message_posted') {
      const task = event.data.channel.slice('task:'.length);
      this.comments.set(task, (this.comments.get(task) ?? 0) + 1);
    }
    if (event.type === 'task_unblocked') {
      this.unblocked.push(`${event.subject} for ${event.data.assignee}`);
      expectSame(event.data.notify, event.data.assignee && [event.data.assignee], 'who is told');
    }
    this.#expectFence(before, event);
  }

  /** Nobody holds what somebody holds: a claim is made where there is none, or where this event says how that one ended. */
  #expectFence(before: Task | undefined, { type, data }: Event<Json>): void {
    const after = this.tasks.get(data.id);
    if (after === undefined) return;
    expectSame((after.generation ?? 0) >= (before?.generation ?? 0), true, 'generations rise');
    if (after.claim) {
      const { agent, generation } = after.claim;
      expectSame([after.status, after.assignee, after.generation], ['doing', agent, generation], 'the holder');
    }
    if (type !== 'task_claimed') return;
    expectSame(after.generation, (before?.generation ?? 0) + 1, 'the generation');
    expectSame(data.run?.generation, before?.claim?.generation, 'the claim before');
  }
}

/** Claims that what is folded from the events that came over the wire is what the server has, and what its index has. */
export function expectFolded(
  folded: Folded,
  kernel: Kernel,
  row: (table: 'task_runs' | 'task_history', id: string) => object | undefined,
): void {
  for (const name of ['tasks', 'task_dependents', 'task_tombstones'] as const) {
    const collection = kernel.collection(name);
    expectSame(collection.size, folded[name].size, name);
    for (const [id, entity] of folded[name]) expectSame(collection.get(id), entity, name);
  }
  const waiting: Record<string, string[]> = {};
  for (const { id, blocked_by: blockers = [] } of folded.tasks.values())
    for (const blocker of blockers) (waiting[blocker] ??= []).push(id);
  const kept = [...folded.task_dependents].map(([id, { tasks }]) => [id, [...tasks].sort()]);
  for (const ids of Object.values(waiting)) ids.sort();
  expectSame(Object.fromEntries(kept), waiting, 'who waits for whom');
  for (const table of ['task_runs', 'task_history'] as const)
    for (const [id, entity] of folded[table]) expectSame(row(table, id), entity, table);
}

/** Claims that the journal tells all that the model knows: attempts, comments, who was told, and a history without gaps. */
export function expectStory(board: Board, folded: Folded): void {
  const all = [...board.cards.values(), ...board.gone.values()];
  const runs = [...folded.task_runs].map(([id, { start, end, seq, ...run }]) => {
    expectSame(end === undefined, run.outcome === undefined, 'what ended has an outcome');
    expectSame(end === undefined || end > start, true, 'times');
    return [id, run];
  });
  const attempts = all.flatMap(({ id: task, runs }) =>
    runs.map(({ claim: _, ...run }, i) => [`${task}#${i + 1}`, { task, generation: i + 1, ...run }]),
  );
  expectSame(Object.fromEntries(runs), Object.fromEntries(attempts), 'runs');
  const spoken = all.filter(({ comments }) => comments > 0).map(({ id, comments }) => [id, comments]);
  expectSame(Object.fromEntries(folded.comments), Object.fromEntries(spoken), 'comments');
  expectSame([...folded.unblocked].sort(), [...board.unblocked].sort(), 'who was told');
  expectSame([...folded.task_tombstones.keys()].sort(), [...board.gone.keys()].sort(), 'deleted');
  for (const task of folded.tasks.values()) expectHistory(task, [...folded.task_history.values()]);
}

/** What changed is changed from what it was, and ends as what it is. */
function expectHistory(task: Task, history: HistoryEntry[]): void {
  const fields: Record<string, unknown> = {};
  for (const { task: id, changes } of history.sort((a, b) => a.seq - b.seq)) {
    if (id !== task.id) continue;
    for (const [field, { from, to }] of Object.entries(changes)) {
      // These go with a status.
      if (field === 'review' || field === 'blocked_reason') continue;
      if (field in fields) expectSame(from, fields[field], `${field} before`);
      fields[field] = to;
    }
  }
  for (const [field, last] of Object.entries(fields)) expectSame(task[field as keyof Task], last, `${field} at last`);
}

/** Claims that what readers ask for is what a recount of the model gives. */
export async function expectViews(board: Board, look: Look, ask: Ask): Promise<void> {
  for (const agent of [undefined, ...AGENTS]) {
    const { task } = await ask('tasks.next', agent === undefined ? {} : { agent });
    expectSame(task?.id, queueFor(board, agent)[0]?.id, `next for ${agent}`);
  }
  const backlog = await ask('tasks.backlog', { limit: 3 });
  const queue = queueFor(board, undefined);
  expectSame(idsOf(backlog.tasks), idsOf(queue.slice(0, 3)), 'backlog');
  expectSame(backlog.count, queue.length, 'backlog');
  await expectBoard(board, ask);
  await expectList(board, look, ask);
}

const idsOf = (tasks: readonly { id: string }[]) => tasks.map(({ id }) => id);

async function expectBoard(board: Board, ask: Ask): Promise<void> {
  const { columns } = await ask('tasks.board', {});
  const place = ({ position }: Card) => position ?? Number.MAX_SAFE_INTEGER;
  const naive = STATUSES.map((status) => {
    const cards = [...board.cards.values()].filter((card) => card.status === status);
    cards.sort(
      (a, b) => place(a) - place(b) || (isOver(a) ? b.updatedAt - a.updatedAt || compare(a.id, b.id) : byUrgency(a, b)),
    );
    return [status, cards.length, idsOf(cards)];
  });
  expectSame(
    columns.map(({ status, count, tasks }: Json) => [status, count, idsOf(tasks)]),
    naive,
    'board',
  );
}

const SORTS: Record<Look['sort'], (a: Card, b: Card) => number> = {
  updated: (a, b) => b.updatedAt - a.updatedAt || b.createdAt - a.createdAt,
  created: (a, b) => b.createdAt - a.createdAt,
  priority: (a, b) => compare(a.priority ?? 'P3', b.priority ?? 'P3') || b.updatedAt - a.updatedAt,
  due: (a, b) => (a.due ?? 9) - (b.due ?? 9),
};

async function expectList(board: Board, { sort, order, parent, ...fields }: Look, ask: Ask): Promise<void> {
  const filter = {
    ...Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)),
    ...(parent && { parent: idOf(parent, board) }),
  };
  const cards = [...board.cards.values()]
    .filter((card) => matches(card, { ...fields, ...(parent && { parent: idOf(parent, board) }) }, board))
    .sort((a, b) => (order === 'forward' ? 1 : -1) * (SORTS[sort](a, b) || compare(a.id, b.id)));
  const listed: string[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await ask('tasks.list', { ...filter, sort, order, limit: 4, ...(cursor && { cursor }) });
    expectSame(page.total, cards.length, 'total');
    listed.push(...idsOf(page.tasks));
    if (!page.more) break;
    cursor = page.cursor;
  }
  expectSame(listed, idsOf(cards), 'list');
}

function matches(card: Card, look: Omit<Partial<Look>, 'parent'> & { parent?: string }, { cards }: Board): boolean {
  const { status, tags, blocked, assignee, createdBy, reviewer, priority, parent } = look;
  const equal = { assignee, createdBy, reviewer, priority, parent };
  return (
    (status === undefined || status.split(',').includes(card.status)) &&
    (tags === undefined || tags.split(',').some((tag) => card.tags.includes(tag))) &&
    (blocked === undefined || openBlockers(cards, card).length > 0 === blocked) &&
    Object.entries(equal).every(([field, value]) => value === undefined || card[field as keyof Card] === value)
  );
}

/** Claims that what the index counts is what a recount gives. */
export async function expectAnalytics({ cards }: Board, ask: Ask): Promise<void> {
  const all = [...cards.values()];
  const byStatus = countBy(all, ({ status }) => status);
  const byAgent = Object.fromEntries(
    AGENTS.map((agent) => [agent, all.filter(({ assignee }) => assignee === agent)] as const)
      .filter(([, own]) => own.length > 0)
      .map(([agent, own]) => [agent, countBy(own, ({ status }) => status)]),
  );
  const figures = await ask('tasks.analytics', {});
  expect(figures).toMatchObject({
    total: all.length,
    unassigned: all.filter(({ assignee }) => assignee === undefined).length,
    cycleTime: { count: byStatus.done ?? 0 },
  });
  expectSame(figures.byStatus, byStatus, 'by status');
  expectSame(figures.byAgent, byAgent, 'by agent');
  expect(figures.throughput.reduce((sum: number, { done }: Json) => sum + done, 0)).toBe(byStatus.done ?? 0);
}

function countBy(cards: readonly Card[], key: (card: Card) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const card of cards) counts[key(card)] = (counts[key(card)] ?? 0) + 1;
  return counts;
}
