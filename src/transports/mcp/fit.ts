import { Refusal } from '../../kernel/errors.ts';
import type { Outcome } from '../../kernel/outcome.ts';
import { shorten } from '../../kernel/page.ts';
import type { Input } from './surface.ts';

/** Bytes of text that a token is, about. */
const BYTES_A_TOKEN = 4;
/** What is said twice: as fields, and as lines. */
const SHARE = 0.9;
const ASKED_AGAIN = 4;
/** Tokens that every answer gets. */
const LEAST = 100;

export interface Fit {
  /** Names under which an answer has its items. */
  lists: readonly string[];
  /** Input with which it is only looked how much there is, where asking changes something. */
  probe?: Input | undefined;
  tokens: unknown;
}

/**
 * Asks for fewer items until the answer holds at most `tokens`, so that its cursor is that of what is shown; where one
 * item is still too long, its text is cut.
 */
export async function fitted(
  call: (input: Input) => Promise<Outcome>,
  input: Input,
  { lists, probe, tokens }: Fit,
): Promise<Outcome> {
  if (typeof tokens !== 'number' || !Number.isInteger(tokens) || tokens < LEAST)
    throw new Refusal('invalid_input', `max_tokens: a whole number, ${LEAST} or more`, {
      errors: [{ pointer: '/max_tokens', detail: `a whole number, ${LEAST} or more` }],
    });
  const bytes = tokens * BYTES_A_TOKEN * SHARE;
  let limited = input;
  let outcome = await call({ ...limited, ...probe });
  for (let i = 0; i < ASKED_AGAIN; i++) {
    const size = bytesOf(outcome.value);
    const items = countOf(outcome.value, lists);
    if (size <= bytes || items <= 1) break;
    limited = { ...input, limit: Math.max(1, Math.min(items - 1, Math.floor((items * bytes) / size))) };
    outcome = await call({ ...limited, ...probe });
  }
  if (probe) outcome = await call(limited);
  const items = Math.max(1, countOf(outcome.value, lists));
  return bytesOf(outcome.value) <= bytes
    ? outcome
    : { ...outcome, value: cut(outcome.value, Math.floor(bytes / items / 2)) };
}

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value) ?? '');
}

function countOf(value: unknown, lists: readonly string[]): number {
  const list = lists.map((name) => (value as Record<string, unknown>)[name]).find(Array.isArray);
  return (list as unknown[] | undefined)?.length ?? 1;
}

/** Cuts every text that is longer, and says so by its ellipsis. */
function cut(value: unknown, length: number): unknown {
  if (typeof value === 'string') return shorten(value, Math.max(length, 80));
  if (Array.isArray(value)) return value.map((each) => cut(each, length));
  if (value !== null && typeof value === 'object')
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, cut(each, length)]));
  return value;
}
