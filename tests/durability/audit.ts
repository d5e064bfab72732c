import type { Json } from '../support/node.ts';
import { type Acknowledged, post, type Written } from './writers.ts';

/** Every event of the journal, read over the door that clients use; throws where a seq is missing or out of order. */
export async function allEvents(url: string): Promise<Json[]> {
  const events: Json[] = [];
  for (let cursor = 'earliest'; ; ) {
    const response = await fetch(`${url}/events?after=${cursor}&limit=500`);
    const page = (await response.json()) as Json;
    if (response.status !== 200) throw new Error(`${response.status} ${JSON.stringify(page)}`);
    events.push(...page.events);
    cursor = page.cursor;
    if (page.up_to_date) break;
  }
  for (const [i, event] of events.entries())
    if (event.seq !== i + 1) throw new Error(`seq ${event.seq} where ${i + 1} belongs`);
  return events;
}

/** What is wrong with the server's data, given what it acknowledged: nothing, where it keeps its promise. */
export async function audit(url: string, acknowledged: readonly Acknowledged[]): Promise<string[]> {
  return auditMessages(await allEvents(url), acknowledged);
}

/** The same, of events that were read already. */
export function auditMessages(events: readonly Json[], acknowledged: readonly Acknowledged[]): string[] {
  const wrong: string[] = [];
  const posted = new Map<string, Json[]>();
  for (const event of events) {
    if (event.type !== 'message_posted') continue;
    const { content } = event.data;
    posted.set(content, [...(posted.get(content) ?? []), event]);
  }
  for (const { content, id, seq } of acknowledged) {
    const [event, ...more] = posted.get(content) ?? [];
    if (event === undefined) wrong.push(`lost: ${content}`);
    else if (more.length > 0) wrong.push(`twice: ${content}`);
    else if (event.seq !== seq) wrong.push(`${content} was answered with seq ${seq} and has ${event.seq}`);
    else if (event.data.id !== id) wrong.push(`${content} was answered with ${id} and is ${event.data.id}`);
  }
  for (const [content, events] of posted) if (events.length > 1) wrong.push(`posted twice: ${content}`);
  return wrong;
}

/** Sends keyed writes again after a restart; what must not differ from the first answer and does. */
export async function auditRetries(url: string, { acknowledged, open }: Written): Promise<string[]> {
  const wrong: string[] = [];
  for (const { content, id, seq, key } of acknowledged.filter((one) => one.key !== undefined).slice(-20)) {
    const again = await post(url, writerOf(content), content, key);
    if (!again.replayed || again.body.message?.id !== id || again.seq !== seq)
      wrong.push(`the retry of ${content} answered ${again.status} ${JSON.stringify(again.body)}`);
  }
  for (const { content, key } of open) {
    const first = await post(url, writerOf(content), content, key);
    const second = await post(url, writerOf(content), content, key);
    if (first.status !== 200 || second.body.message?.id !== first.body.message?.id || !second.replayed)
      wrong.push(`${content} sent again: ${first.status}, then ${JSON.stringify(second.body)}`);
  }
  return wrong;
}

/** `<round> rest|ws <writer> <i>` */
function writerOf(content: string): number {
  return Number(content.split(' ')[2]);
}
