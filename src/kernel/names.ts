import { z } from 'zod';

/** Who acts where nobody said who. No agent may take these names. */
export const ANONYMOUS = 'anonymous';
const RESERVED = new Set([ANONYMOUS, 'system']);

/** The name of an agent, on every door. */
export const AgentName = z
  .string()
  .regex(/^[A-Za-z0-9][\w.-]{0,63}$/, 'a name has 1 to 64 letters, digits, _ . - and begins with a letter or digit')
  .refine((name) => !RESERVED.has(name), 'this name is reserved');

/** A whole number, also where a door can carry only text. */
export function wholeNumber(min: number, max: number): z.ZodType<number, number | string> {
  return z
    .union([
      z.number(),
      z
        .string()
        .trim()
        .regex(/^-?\d{1,16}$/, 'a whole number')
        .transform(Number),
    ])
    .pipe(z.number().int().min(min).max(max)) as unknown as z.ZodType<number, number | string>;
}

/** A yes or no, also where a door can carry only text. */
export const flag = z.union([
  z.boolean(),
  z.enum(['1', '0', 'true', 'false', '']).transform((text) => text === '1' || text === 'true'),
]);
