import { parse } from 'secure-json-parse';
import type { z } from 'zod';

export type Read<T> = { value: T; unknown: string[] } | { problem: string };

/** Characters of a reason at most. */
const REASON = 300;

/** Reads one JSON object of a shape; says what is wrong with it. A member that is null is as one that is absent. */
export function readRecord<T>(text: string, schema: z.ZodType<T>, known: ReadonlySet<string>): Read<T> {
  let raw: unknown;
  try {
    raw = parse(text);
  } catch (error) {
    return { problem: shorten(`not JSON: ${(error as Error).message}`) };
  }
  try {
    const given = withoutNulls(raw);
    const result = schema.safeParse(given);
    if (!result.success) return { problem: shorten(result.error.issues.map(describe).join('; ')) };
    return { value: result.data, unknown: Object.keys(given as object).filter((name) => !known.has(name)) };
  } catch (error) {
    if (error instanceof RangeError) return { problem: 'nested too deeply' };
    throw error;
  }
}

function withoutNulls(raw: unknown): unknown {
  if (raw === null || typeof raw !== 'object' || Array.isArray(raw)) return raw;
  return Object.fromEntries(Object.entries(raw).filter(([, value]) => value !== null));
}

function describe({ path, message, code, errors }: z.core.$ZodIssue & { errors?: z.core.$ZodIssue[][] }): string {
  // Of the branches of a union the last is the general one, and says more than «invalid input».
  const inner = code === 'invalid_union' ? errors?.at(-1)?.map(({ message }) => message) : undefined;
  const reason = message.includes('received undefined') ? 'is required' : (inner?.join(', ') ?? message);
  return path.length === 0 ? reason : `${path.join('.')}: ${reason}`;
}

function shorten(text: string): string {
  const line = text.replace(/[\x00-\x1f\x7f]+/g, ' ');
  return line.length > REASON ? `${line.slice(0, REASON)}…` : line;
}
