import { computed, signal } from '@preact/signals';
import { ProblemError } from '../client/index.ts';
import { me } from './me.ts';
import { refuseInPast } from './past.ts';
import { say, sayWhy } from './say.tsx';
import { steady } from './steady.ts';
import { live, shown, type Task, tasks, writer } from './store.ts';

export type Status = Task['status'];

/** The columns of the board, in the order in which work goes through them; `1` to `5` move a card there. */
export const COLUMNS = ['todo', 'doing', 'blocked', 'validating', 'done'] as const satisfies readonly Status[];

/** Moves that are shown and not yet the server's word: by task, where it goes. */
const moving = signal<ReadonlyMap<string, Status>>(new Map());

const rank = (task: Task) => Number(task.priority?.[1] ?? 3);

/** As the server orders a column: by position, then urgency, due time and age; what is over, newest first. */
function inOrder(status: Status) {
  return (a: Task, b: Task): number => {
    const place = (a.position ?? Number.POSITIVE_INFINITY) - (b.position ?? Number.POSITIVE_INFINITY);
    if (place !== 0 && !Number.isNaN(place)) return place;
    if (status === 'done' || status === 'cancelled') return b.updatedAt - a.updatedAt;
    return (
      rank(a) - rank(b) ||
      (a.due ?? Number.POSITIVE_INFINITY) - (b.due ?? Number.POSITIVE_INFINITY) ||
      a.createdAt - b.createdAt ||
      (a.id < b.id ? -1 : 1)
    );
  };
}

/** Cards of a column that are shown at once. */
const MOST = 50;

export interface Column {
  status: Status;
  count: number;
  cards: readonly Task[];
}

/** Tasks by where they stand. `statusOf`: where that is not what they say. */
export function columnsOf(all: Iterable<Task>, statusOf = (task: Task): Status => task.status): readonly Column[] {
  const by = new Map<Status, Task[]>(COLUMNS.map((status) => [status, []]));
  for (const task of all) by.get(statusOf(task))?.push(task);
  return COLUMNS.map((status) => {
    const cards = by.get(status) ?? [];
    return { status, count: cards.length, cards: cards.sort(inOrder(status)).slice(0, MOST) };
  });
}

const inPlace = new Map<Status, ReturnType<typeof steady<Task>>>(
  COLUMNS.map((status) => [status, steady<Task>('board', ({ id }) => id)]),
);

export const columns = computed(() =>
  columnsOf(tasks.value, (task) => moving.value.get(task.id) ?? task.status).map((column) => ({
    ...column,
    cards: inPlace.get(column.status)?.(column.cards) ?? column.cards,
  })),
);

/** What keeps a task from being worked at: the open tasks that it waits for. */
export function openBlockers(task: Task): Task[] {
  if (!task.open_blockers) return [];
  return (task.blocked_by ?? [])
    .map((id) => live.tasks.value.get(id))
    .filter((each): each is Task => each !== undefined && each.status !== 'done' && each.status !== 'cancelled');
}

/** Moves a task to another column: at once for who looks, and back with the reason where the server refuses it. */
export async function moveTask(id: string, to: Status, takeover = false): Promise<void> {
  const task = live.tasks.value.get(id);
  if (task === undefined || task.status === to || moving.value.has(id) || refuseInPast()) return;
  if (me.value === undefined) {
    say({ kind: 'refused', text: 'Say your name first: who only looks moves nothing.' });
    return;
  }
  moving.value = new Map(moving.value).set(id, to);
  try {
    const { seq } = await writer().call('tasks.update', { id, status: to, ...(takeover && { takeover: true }) });
    await shown(seq);
  } catch (error) {
    const held = error instanceof ProblemError && error.code === 'TASK_ALREADY_ASSIGNED';
    sayWhy(error, held && !takeover ? { label: 'Take over', run: () => void moveTask(id, to, true) } : undefined);
  } finally {
    const rest = new Map(moving.value);
    rest.delete(id);
    moving.value = rest;
  }
}

/** True while the server was not heard. */
export function isMoving(id: string): boolean {
  return moving.value.has(id);
}
