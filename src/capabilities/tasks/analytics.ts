import { z } from 'zod';
import { type LiveCollection, type QueryContext, query } from '../../kernel/capability.ts';
import { wholeNumber } from '../../kernel/names.ts';
import { STATUSES } from './schema.ts';
import type { Task, TasksState } from './state.ts';

interface State extends TasksState {
  tasks: LiveCollection<Task>;
}

const DAY_MS = 86_400_000;

/** Tasks that were done since a time, with the milliseconds from the first start (or, where nobody said, the creation) to the end. */
const DONE = `SELECT doc ->> 'completedAt' AS completed,
  (doc ->> 'completedAt') - coalesce(doc ->> 'startedAt', doc ->> 'createdAt') AS took
  FROM entity WHERE collection = 'tasks' AND doc ->> 'status' = 'done' AND doc ->> 'completedAt' >= ?`;

/** The smallest value that at least this share of all are not over (nearest rank), counted in SQL. */
const PERCENTILES = `WITH done AS (${DONE}), ranked AS (SELECT took, row_number() OVER (ORDER BY took) AS place, count(*) OVER () AS n FROM done)
  SELECT max(n) AS n, avg(took) AS mean,
  min(CASE WHEN place >= n * 0.5 THEN took END) AS p50, min(CASE WHEN place >= n * 0.9 THEN took END) AS p90 FROM ranked`;

const PER_DAY = `SELECT date(completed / 1000, 'unixepoch') AS day, count(*) AS done FROM (${DONE}) GROUP BY day ORDER BY day`;

const Counts = z.record(z.string(), z.number());

export const analytics = query({
  name: 'tasks.analytics',
  summary: 'Tasks by status and agent, how long they take, and how many are done in a day.',
  http: ['GET /tasks/analytics'],
  input: z.object({
    days: wholeNumber(1, 3_650).default(30).describe('How far back times and throughput look.'),
  }),
  output: z.object({
    total: z.number(),
    byStatus: Counts,
    byAgent: z.record(z.string(), Counts).meta({ description: 'assignee → status → tasks' }),
    unassigned: z.number().meta({ description: 'Tasks without assignee.' }),
    cycleTime: z
      .object({
        count: z.number(),
        mean: z.number().nullable(),
        p50: z.number().nullable(),
        p90: z.number().nullable(),
      })
      .meta({ description: 'Milliseconds from the first start to done, of tasks done in these days.' }),
    throughput: z
      .array(z.object({ day: z.string(), done: z.number() }))
      .meta({ description: 'Tasks done on each day (UTC) on which there were any.' }),
    days: z.number(),
  }),
  async run({ days }, { state: { tasks }, now, scan }: QueryContext<State>) {
    const since = now - days * DAY_MS;
    const [[times], throughput] = await Promise.all([
      scan<{ n: number | null; mean: number | null; p50: number | null; p90: number | null }>(PERCENTILES, since),
      scan<{ day: string; done: number }>(PER_DAY, since),
    ]);
    const byAgent = new Map<string, Record<string, number>>();
    let assigned = 0;
    for (const group of tasks.groups('updated')) {
      const [field, agent = '', status = ''] = group.split(' ');
      if (field !== 'assignee') continue;
      const count = tasks.count('updated', group);
      assigned += count;
      byAgent.set(agent, { ...byAgent.get(agent), [status]: count });
    }
    return {
      total: tasks.size,
      byStatus: countsByStatus(tasks),
      byAgent: Object.fromEntries(byAgent),
      unassigned: tasks.size - assigned,
      cycleTime: {
        count: times?.n ?? 0,
        mean: times?.mean ?? null,
        p50: times?.p50 ?? null,
        p90: times?.p90 ?? null,
      },
      throughput,
      days,
    };
  },
});

/** How many tasks there are of each status, of those that there are any of. */
export function countsByStatus(tasks: State['tasks']): Record<string, number> {
  return Object.fromEntries(
    STATUSES.map((status) => [status, tasks.count('updated', `status ${status}`)] as const).filter(([, n]) => n > 0),
  );
}
