import { z } from 'zod';
import { AgentName, EntityId, flag, wholeNumber } from '../../kernel/names.ts';
import { taskFields } from '../tasks/schema.ts';
import { isTimeZone, parseInterval } from './schedule.ts';

export const RecurringId = EntityId;

/** What the tasks of one recurrence say; they are `todo`, wait for nothing, and are due some time after they come. */
const { title, status: _, blocked_by: __, parent: ___, due: ____, position: _____, ...others } = taskFields;

const YEAR = 366 * 86_400;

const every = z
  .union([z.number().int().transform(String), z.string().max(16)])
  .refine((text) => {
    const ms = parseInterval(text);
    return ms !== undefined && ms >= 1_000 && ms <= YEAR * 1_000;
  }, 'seconds, or a number with s, m, h, d or w: from 1s to a year')
  .describe('How often: seconds, or `30s`, `15m`, `2h`, `1d`, `1w`.');
const time = wholeNumber(0, Number.MAX_SAFE_INTEGER);
const start = time.describe(
  'When `every` comes first, in milliseconds since 1970; unless said: one interval from now.',
);
const until = time.describe('No task is made for a time after this one.');
const due_in = wholeNumber(0, YEAR).describe('Seconds from the time it is for until a task is due.');

/** How something recurs, as it is given: what may not be taken away. */
const scheduleFields = {
  every: every.optional(),
  cron: z
    .string()
    .min(1)
    .max(128)
    .optional()
    .describe('A cron expression: minute hour day month weekday, with seconds before them where there are six fields.'),
  tz: z
    .string()
    .min(1)
    .max(64)
    .refine(isTimeZone, 'no time zone that is known here')
    .optional()
    .describe('The time zone that `cron` is read in (IANA name); UTC unless said.'),
  missed: z
    .enum(['each', 'latest'])
    .optional()
    .describe(
      'After the server slept: a task for each time that passed (the newest 100; so unless said), or for the latest alone.',
    ),
};

export const CreateInput = z.object({
  title,
  ...z.object(others).partial().shape,
  ...scheduleFields,
  start: start.optional(),
  until: until.optional(),
  due_in: due_in.optional(),
  createdBy: AgentName,
});

const clearable = Object.fromEntries(
  Object.entries(others).map(([field, schema]) => [field, schema.nullable().optional()]),
) as { [F in keyof typeof others]: z.ZodOptional<z.ZodNullable<(typeof others)[F]>> };

export const UpdateInput = z.object({
  id: RecurringId,
  paused: flag.optional().describe('1: no task is made; 0: from the next time on.'),
  task: z
    .object({ title: title.optional(), ...clearable })
    .optional()
    .describe('What later tasks say: only the given fields change; null takes a field away.'),
  ...scheduleFields,
  start: start.nullable().optional(),
  until: until.nullable().optional(),
  due_in: due_in.nullable().optional(),
  agent: AgentName.optional().describe('Who acts.'),
});
export type UpdateInput = z.infer<typeof UpdateInput>;

/** What recurs, as it is shown. */
export const RecurringOutput = z.object({
  id: z.string(),
  task: z.looseObject({ title: z.string() }),
  every: z.string().optional(),
  cron: z.string().optional(),
  tz: z.string().optional(),
  start: z.number().optional(),
  until: z.number().optional(),
  due_in: z.number().optional(),
  missed: z.enum(['each', 'latest']),
  paused: z.boolean().optional(),
  fault: z.string().optional().meta({ description: 'Why the server paused it: no task could be made of it.' }),
  nextAt: z.number().optional().meta({ description: 'When the next task is made; none where it is over or paused.' }),
  lastAt: z.number().optional(),
  made: z.number().meta({ description: 'Tasks that it has made.' }),
  skippedSince: z.number().optional().meta({ description: 'The first of the times that were last passed over.' }),
  createdBy: z.string(),
  createdAt: z.number(),
  updatedAt: z.number(),
  seq: z.number().meta({ description: 'The event that last changed it; its ETag.' }),
});
