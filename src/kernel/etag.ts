import type { Command, Context } from './capability.ts';
import { Refusal } from './errors.ts';
import type { Draft } from './event.ts';

/** The entity tag of what was last changed by event `seq` (RFC 9110, 8.8.3). */
export function formatTag(seq: number): string {
  return `"${seq}"`;
}

/** True where a list of tags, as in If-Match, has the tag or is `*`. A number without quotes is a tag as well. */
export function hasTag(list: string, seq: number): boolean {
  return list.split(',').some((item) => {
    const tag = item.trim();
    return tag === '*' || tag === formatTag(seq) || tag === String(seq);
  });
}

/** Throws `precondition_failed` where If-Match names no tag that the entity has. */
export function requireTag(ifMatch: string, seq: number | undefined): void {
  if (seq !== undefined && hasTag(ifMatch, seq)) return;
  throw new Refusal(
    'precondition_failed',
    seq === undefined
      ? 'If-Match was given, and there is no entity with a tag here.'
      : `It is ${formatTag(seq)} now, not ${ifMatch.slice(0, 80)}.`,
    seq === undefined ? {} : { extra: { etag: formatTag(seq) } },
  );
}

/** Decides where the entity has a tag that If-Match names. What is not there is refused as such, and not for its tag. */
export function decideMatching(
  operation: Command,
  input: Record<string, unknown>,
  context: Context<never>,
  prepared: unknown,
  ifMatch: string | undefined,
): Draft[] {
  if (ifMatch === undefined) return operation.decide(input, context, prepared);
  const tag = operation.etag?.current?.(input, context.state);
  if (tag !== undefined) requireTag(ifMatch, tag);
  const drafts = operation.decide(input, context, prepared);
  if (tag === undefined) requireTag(ifMatch, undefined);
  return drafts;
}
