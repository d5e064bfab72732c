import { z } from 'zod';

/** Who acts where nobody said who. No agent may take these names. */
export const ANONYMOUS = 'anonymous';
/** Who acts where the server does something by itself. */
export const SYSTEM = 'system';
const RESERVED = new Set([ANONYMOUS, SYSTEM]);

/** The name of an agent, on every door. */
export const AgentName = z
  .string()
  .regex(/^[A-Za-z0-9][\w.-]{0,63}$/, 'a name has 1 to 64 letters, digits, _ . - and begins with a letter or digit')
  .refine((name) => !RESERVED.has(name), 'this name is reserved');

/** The id of a message, a task …: those made here are `<kind>-<ms>-<9 chars>`, imported ones stay as they were. */
export const EntityId = z.string().regex(/^\P{C}{1,128}$/u, '1 to 128 characters, none of them invisible');

/** A whole number, also where a door can carry only text. */
export function wholeNumber(min: number, max: number): z.ZodType<number, number | string> {
  return z
    .union(
      [
        z.number(),
        z
          .string()
          .trim()
          .regex(/^-?\d{1,16}$/)
          .transform(Number),
      ],
      { error: ({ input }) => (input === undefined ? undefined : 'a whole number') },
    )
    .pipe(z.number().int().min(min).max(max)) as unknown as z.ZodType<number, number | string>;
}

/** A yes or no, also where a door can carry only text. */
export const flag = z.union(
  [z.boolean(), z.enum(['1', '0', 'true', 'false', '']).transform((text) => text === '1' || text === 'true')],
  '1 or 0',
);

/** How deep JSON of a caller's own may be nested. SQLite reads no JSON that is deeper than 1000. */
const DEPTH = 64;

/** True where JSON of a caller's own is nested no deeper than the index can read. */
export function isShallow(value: unknown, depth = DEPTH): boolean {
  if (value === null || typeof value !== 'object') return true;
  return depth > 0 && Object.values(value).every((member) => isShallow(member, depth - 1));
}

/** JSON of a caller's own. */
export const Metadata = z
  .record(z.string(), z.unknown())
  .refine((value) => isShallow(value), `nested more than ${DEPTH} deep`);
