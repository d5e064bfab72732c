import { z } from 'zod';
import { EntityId, wholeNumber } from '../../kernel/names.ts';
import { expand, MAX_ALTERNATIVES, normalise } from './glob.ts';

export const ReservationId = EntityId;

const MAX_PATHS = 100;
const MAX_LENGTH = 512;
/** Characters of all paths of one reservation, once their braces are expanded. */
const MAX_TEXT = 16_384;

/** A path or glob, relative to the root of what the team works at. */
export const Path = z
  .string()
  .min(1, 'must not be empty')
  .max(MAX_LENGTH, `at most ${MAX_LENGTH} characters`)
  .transform((text, context) => {
    const result = normalise(text);
    if ('glob' in result) return result.glob;
    context.addIssue({ code: 'custom', message: result.fault });
    return z.NEVER;
  });

/** What is reserved: globs in their normal form, each once. */
export const Paths = z
  .array(Path)
  .min(1, 'must not be empty')
  .max(MAX_PATHS, `at most ${MAX_PATHS} paths`)
  .transform((paths) => [...new Set(paths)])
  .superRefine((paths, context) => {
    const all = paths.flatMap(expand);
    const text = all.reduce((sum, { length }) => sum + length, 0);
    if (all.length > MAX_ALTERNATIVES)
      context.addIssue(`with their braces they stand for more than ${MAX_ALTERNATIVES} paths`);
    else if (text > MAX_TEXT)
      context.addIssue(`they have more than ${MAX_TEXT} characters, with their braces expanded`);
  })
  .describe('Paths or globs, relative to the root of what the team works at: `src/auth/**`, `package.json`.');

export const Mode = z.enum(['exclusive', 'shared']).describe('shared: others may reserve the same, shared too.');

export const Ttl = wholeNumber(1, 86_400);

/** A reservation as every door shows it. */
export const Reservation = z.object({
  id: ReservationId,
  agent: z.string(),
  paths: z.array(z.string()),
  mode: z.enum(['exclusive', 'shared']),
  task: z.string().optional().meta({ description: 'The task with whose claim it ends.' }),
  grantedAt: z.number().meta({ description: 'Milliseconds since 1970.' }),
  expiresAt: z.number().meta({ description: 'Milliseconds since 1970.' }),
  ttl: z.number().meta({ description: 'Seconds from when it was granted or renewed.' }),
  seq: z.number().meta({ description: 'The event that last changed it.' }),
});
