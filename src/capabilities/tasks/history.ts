import { z } from 'zod';
import { type CollectionSpec, type QueryContext, query } from '../../kernel/capability.ts';
import { wholeNumber } from '../../kernel/names.ts';
import { capBytes, listInput, listOutput } from '../../kernel/page.ts';
import { findTask } from './find.ts';
import { Run as RunOutput, TaskId } from './schema.ts';
import type { HistoryEntry, Run, TasksState } from './state.ts';

/** What was done to tasks, one row for each event. */
export const historyTable: CollectionSpec = {
  name: 'task_history',
  keep: 'history',
  columns: { task: "TEXT AS (doc ->> 'task') STORED" },
  indexes: ['CREATE INDEX task_history_by_task ON task_history (task, seq)'],
};

/** Attempts at tasks, one row for each. */
export const runsTable: CollectionSpec = {
  name: 'task_runs',
  keep: 'history',
  columns: { task: "TEXT AS (doc ->> 'task') STORED" },
  indexes: ['CREATE INDEX task_runs_by_task ON task_runs (task, seq)'],
};

const { limit } = listInput(200, 1_000);
const cursor = wholeNumber(0, Number.MAX_SAFE_INTEGER)
  .optional()
  .describe('Goes on where an earlier answer with `more` ended: its `cursor`.');
const input = z.object({ id: TaskId, limit, cursor });

/** A page of the rows of one task, oldest first, and how many there are. */
async function page<R extends { seq: number }>(
  table: 'task_history' | 'task_runs',
  { id, limit, cursor = 0 }: z.infer<typeof input>,
  context: QueryContext<TasksState>,
): Promise<{ items: R[]; count: number; more?: true; cursor?: string }> {
  // What was deleted has a history as well.
  if (context.state.task_tombstones.get(id) === undefined) findTask(context.state, id);
  const { rows, count } = await context.index((view) => ({
    rows: view.all<{ seq: number; doc: string }>(
      `SELECT seq, doc FROM ${table} WHERE task = ? AND seq > ? ORDER BY seq LIMIT ?`,
      id,
      cursor as number,
      limit + 1,
    ),
    count: view.all<{ n: number }>(`SELECT count(*) AS n FROM ${table} WHERE task = ?`, id)[0]?.n ?? 0,
  }));
  const { taken } = capBytes(rows.slice(0, limit), ({ doc }) => Buffer.byteLength(doc) + 1);
  const last = taken.at(-1);
  return {
    items: taken.map(({ doc }) => JSON.parse(doc) as R),
    count,
    ...(last && taken.length < rows.length && { more: true as const, cursor: String(last.seq) }),
  };
}

const Change = z.object({ from: z.unknown().optional(), to: z.unknown().optional() });

export const history = query({
  name: 'tasks.history',
  summary: 'Who changed what of a task, when, and from what to what; oldest first.',
  http: ['GET /tasks/:id/history'],
  input,
  output: z.object({
    history: z.array(
      z.object({
        seq: z.number(),
        at: z.number().meta({ description: 'Milliseconds since 1970.' }),
        actor: z.string(),
        type: z.string().meta({ description: 'The event.' }),
        changes: z.record(z.string(), Change),
        note: z.string().optional().meta({ description: 'What was said with it.' }),
      }),
    ),
    count: z.number(),
    ...listOutput,
  }),
  async run(input, context: QueryContext<TasksState>) {
    const { items, ...rest } = await page<HistoryEntry>('task_history', input, context);
    return { history: items.map(({ task: _, ...entry }) => entry), ...rest };
  },
});

export const runs = query({
  name: 'tasks.runs',
  summary: 'The attempts at a task, oldest first: who, when, and what came of it.',
  http: ['GET /tasks/:id/runs'],
  input,
  output: z.object({ runs: z.array(RunOutput), count: z.number(), ...listOutput }),
  async run(input, context: QueryContext<TasksState>) {
    const { items, ...rest } = await page<Run>('task_runs', input, context);
    return { runs: items.map(({ seq: _, ...run }) => run) as z.input<typeof RunOutput>[], ...rest };
  },
});
