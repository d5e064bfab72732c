import type { z } from 'zod';
import type { Operation } from './capability.ts';
import { type FieldError, Refusal } from './errors.ts';
import { AgentName } from './names.ts';

/** Who calls, as far as the door knows. */
export interface Caller {
  /** The agent that the caller says it is, in a header, a parameter or when it connected. */
  agent?: string | undefined;
  /** The connection on which it called, where that can be asked something. */
  connection?: string | undefined;
  idempotencyKey?: string | undefined;
  /** Entity tags, as in the header If-Match: the command is refused where the entity has none of them. */
  ifMatch?: string | undefined;
  /** Aborted when nobody waits for the answer any more. */
  signal?: AbortSignal | undefined;
}

/** Checks an agent's name that came beside the input. Throws `invalid_input`. */
export function checkAgent(name: string): string {
  const result = AgentName.safeParse(name);
  if (result.success) return result.data;
  throw new Refusal('invalid_input', `"${name.slice(0, 80)}" is no agent's name: ${result.error.issues[0]?.message}.`, {
    errors: [{ pointer: '/agent', detail: result.error.issues[0]?.message ?? 'invalid' }],
  });
}

/**
 * Makes one valid input of what a door was given, with the caller's name in the field that asks who acts.
 * Throws `invalid_input` with every wrong field, or `actor_mismatch`.
 */
export function validate(
  operation: Operation,
  raw: Record<string, unknown>,
  caller: Caller,
): { input: Record<string, unknown>; agent: string | undefined } {
  let agent = caller.agent === undefined ? undefined : checkAgent(caller.agent);
  const field = operation.actor;
  let given = raw;
  if (field !== undefined && agent !== undefined) {
    if (raw[field] === undefined) given = { ...raw, [field]: agent };
    else if (raw[field] !== agent)
      throw new Refusal(
        'actor_mismatch',
        `You came as "${agent}", but ${field} says "${String(raw[field]).slice(0, 80)}".`,
      );
  }
  const result = operation.input.safeParse(given);
  if (!result.success) {
    const errors = result.error.issues.map(toFieldError);
    const detail = errors
      .map(({ pointer, detail }: FieldError) => `${pointer.slice(1) || 'input'}: ${detail}`)
      .join('; ');
    throw new Refusal('invalid_input', detail, {
      errors,
      ...(operation.complaint !== undefined && { error: operation.complaint }),
    });
  }
  const input = result.data as Record<string, unknown>;
  if (field !== undefined && typeof input[field] === 'string') agent = input[field];
  return { input, agent };
}

function toFieldError(issue: z.core.$ZodIssue): FieldError {
  const pointer = `/${issue.path.map((part) => String(part).replaceAll('~', '~0').replaceAll('/', '~1')).join('/')}`;
  const missing =
    issue.code === 'invalid_type' && issue.input === undefined && issue.message.includes('received undefined');
  return { pointer: issue.path.length === 0 ? '' : pointer, detail: missing ? 'is required' : issue.message };
}
