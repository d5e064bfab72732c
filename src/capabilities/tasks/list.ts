import { z } from 'zod';
import { type LiveCollection, type QueryContext, query } from '../../kernel/capability.ts';
import { Refusal } from '../../kernel/errors.ts';
import { wholeNumber } from '../../kernel/names.ts';
import { compareKeys, type OrderKey } from '../../kernel/order.ts';
import { capBytes, listInput, listOutput, pick, shorten } from '../../kernel/page.ts';
import { etag } from './create.ts';
import { type Condition, conditionsOf, filterFields, isEverything } from './filter.ts';
import { findTask } from './find.ts';
import { EVERY_TASK, LAST, rank, updatedKey } from './orders.ts';
import { TaskId, Task as TaskOutput } from './schema.ts';
import type { Task, TasksState } from './state.ts';

interface State extends TasksState {
  tasks: LiveCollection<Task>;
}

type Key = (task: Task) => OrderKey;

/** Where tasks stand in each order: newest first, most urgent first. */
const SORTS = {
  updated: updatedKey,
  created: ({ createdAt, id }: Task) => [-createdAt, id],
  priority: (task: Task) => [rank(task), -task.updatedAt, task.id],
  due: ({ due, id }: Task) => [due ?? LAST, id],
} satisfies Record<string, Key>;

const { limit, fields, compact } = listInput(1_000, 1_000);

const ListInput = z.object({
  ...filterFields,
  sort: z.enum(['updated', 'created', 'priority', 'due']).default('updated'),
  order: z.enum(['forward', 'reverse']).default('forward').describe('forward: newest first, most urgent first.'),
  limit,
  offset: wholeNumber(0, Number.MAX_SAFE_INTEGER).default(0).describe('Tasks of the list to pass over.'),
  cursor: z.string().max(2_048).optional().describe('Goes on where an earlier answer with `more` ended: its `cursor`.'),
  fields,
  compact,
});

/** A page of a sorted selection, and how many there are in all. */
interface Selection {
  page: Task[];
  total: number;
}

/** Matches in an order of their own: only as many are kept as are shown. */
function select(
  candidates: Iterable<Task>,
  conditions: readonly Condition[],
  compare: (a: Task, b: Task) => number,
  isAfter: (task: Task) => boolean,
  most: number,
): Selection {
  const page: Task[] = [];
  let total = 0;
  for (const task of candidates) {
    if (!conditions.every(({ holds }) => holds(task))) continue;
    total++;
    const last = page.at(-1);
    if (!isAfter(task) || (page.length === most && last && compare(task, last) > 0)) continue;
    let [low, high] = [0, page.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compare(page[middle] as Task, task) < 0) low = middle + 1;
      else high = middle;
    }
    page.splice(low, 0, task);
    if (page.length > most) page.pop();
  }
  return { page, total };
}

/** The tasks of the condition's groups; each once. */
function* union(tasks: State['tasks'], { order, groups = EVERY_TASK, overlap }: Condition): Generator<Task, void> {
  const seen = overlap ? new Set<string>() : undefined;
  for (const group of groups) {
    for (const task of tasks.inOrder(order ?? 'updated', group)) {
      if (seen?.has(task.id)) continue;
      seen?.add(task.id);
      yield task;
    }
  }
}

/** Steps among all tasks after which looking at the members of a group is cheaper: four times what it takes where they lie evenly. */
function stepsWorth(members: number, all: number, most: number): number {
  const steps = (most * all) / Math.max(members, 1);
  // Sorting a member costs as much as some steps.
  return steps <= 8 * members ? 4 * steps : 0;
}

/**
 * The matches of one condition that has groups, newest update first: no more is looked at than is shown or, where they
 * are of another order, than is worth it. Undefined: it is cheaper to look at those.
 */
function walk(tasks: State['tasks'], source: Condition, after: OrderKey | undefined, most: number): Task[] | undefined {
  const { order, groups = EVERY_TASK, holds } = source;
  const own = order === undefined;
  const page: Task[] = [];
  let left = own ? Number.POSITIVE_INFINITY : stepsWorth(sizeOfGroups(source, tasks), tasks.size, most);
  for (const task of tasks.inOrder('updated', own ? groups : EVERY_TASK, after)) {
    if (after !== undefined && compareKeys(updatedKey(task), after) === 0) continue;
    if (left-- < 1) return undefined;
    if ((own || holds(task)) && page.push(task) === most) break;
  }
  return page;
}

function sizeOfGroups({ order, groups = [] }: Condition, tasks: State['tasks']): number {
  return groups.reduce((sum, group) => sum + tasks.count(order ?? 'updated', group), 0);
}

/** The condition that the fewest tasks fulfil, as far as it is known without looking. */
function narrowest(conditions: readonly Condition[], tasks: State['tasks']): Condition {
  const sized = conditions
    .filter(({ groups }) => groups !== undefined)
    .map((condition) => ({ condition, size: sizeOfGroups(condition, tasks) }));
  sized.sort((a, b) => a.size - b.size);
  return (sized[0] as { condition: Condition }).condition;
}

function formatPlace(sort: string, key: OrderKey): string {
  return Buffer.from(JSON.stringify([sort, ...key])).toString('base64url');
}

function parsePlace(cursor: string, sort: string): OrderKey {
  try {
    const [of, ...key] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as OrderKey;
    if (of === sort && key.length > 0 && key.every((part) => ['number', 'string'].includes(typeof part))) return key;
  } catch {}
  throw new Refusal('invalid_cursor', 'That is no cursor of a list that is sorted like this one.');
}

export const list = query({
  name: 'tasks.list',
  summary: 'Tasks that match, newest update first unless another order is asked for.',
  http: ['GET /tasks'],
  input: ListInput,
  output: z.object({ tasks: z.array(TaskOutput.partial()), total: z.number(), ...listOutput }),
  run({ sort, order, limit, offset, cursor, fields, compact, ...filter }, { state: { tasks } }: QueryContext<State>) {
    const key: Key = SORTS[sort];
    const sign = order === 'forward' ? 1 : -1;
    const after = cursor === undefined ? undefined : parsePlace(cursor, sort);
    const most = Math.min(offset + limit + 1, tasks.size + 1);
    const all = conditionsOf(filter);
    const some = all.filter((condition) => !isEverything(condition));
    const source = narrowest(all, tasks);
    const exact = !source.overlap && some.every((condition) => condition === source);
    const found = exact && sort === 'updated' && order === 'forward' ? walk(tasks, source, after, most) : undefined;
    const { page, total } = found
      ? { page: found, total: sizeOfGroups(source, tasks) }
      : select(
          union(tasks, source),
          some,
          (a, b) => sign * compareKeys(key(a), key(b)),
          (task) => after === undefined || sign * compareKeys(key(task), after) > 0,
          most,
        );
    const shown = page.slice(offset, offset + limit);
    const { taken } = capBytes(shown, sizeOf);
    const last = taken.at(-1);
    return {
      tasks: present(taken, fields, compact),
      total,
      ...(last && offset + taken.length < page.length && { more: true as const, cursor: formatPlace(sort, key(last)) }),
    };
  },
});

function sizeOf(task: Task): number {
  return Buffer.byteLength(JSON.stringify(task)) + 1;
}

/** Tasks as a list shows them. */
export function present(
  tasks: readonly Task[],
  fields: string | undefined,
  compact: boolean | undefined,
): z.input<typeof TaskOutput>[] {
  return pick(compact ? tasks.map(toCompact) : tasks, fields) as z.input<typeof TaskOutput>[];
}

/** Tasks of a list that fit into `bytes`. */
export function fitting(tasks: readonly Task[], bytes?: number): Task[] {
  return capBytes(tasks, sizeOf, bytes).taken;
}

/** Characters of a title in a compact list. */
const COMPACT = 280;

function toCompact(task: Task): Task {
  const { description: _, metadata: __, result: ___, artifacts: ____, review: _____, ...rest } = task;
  return { ...rest, title: shorten(task.title, COMPACT) };
}

export const get = query({
  name: 'tasks.get',
  summary: 'One task.',
  http: ['GET /tasks/:id'],
  input: z.object({ id: TaskId }),
  output: z.object({ task: TaskOutput }),
  etag: { of: etag.of },
  run: ({ id }, { state }: QueryContext<State>) => ({ task: findTask(state, id) as z.input<typeof TaskOutput> }),
});
