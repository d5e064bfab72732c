import type { Json } from '../support/node.ts';
import type { Taken, Worked } from './workers.ts';
import { send } from './writers.ts';

/** What is wrong with the server's tasks, given what workers were told: nothing, where nobody's work is lost or done twice. */
export async function auditWork(url: string, events: readonly Json[], worked: readonly Worked[]): Promise<string[]> {
  const wrong = worked.flatMap((each) => each.wrong);
  const { made, live } = replayClaims(events, wrong);
  const at = (seq: number): Json => events[seq - 1] ?? { data: {} };
  for (const { taken, completed, comments } of worked) {
    for (const each of taken) {
      const { task, claim, agent, generation, seq } = made.get(each.claim) ?? {};
      const same = task === each.task && agent === each.agent && generation === each.generation && seq === each.seq;
      if (claim === undefined) wrong.push(`lost: the claim ${each.claim} of ${each.agent}`);
      else if (!same) wrong.push(`the claim ${claim} was answered otherwise than it is kept`);
    }
    for (const { task, agent, result, seq } of completed) {
      const { type, data } = at(seq);
      const same = type === 'task_completed' && data.id === task && data.run?.agent === agent;
      if (!same || data.changes?.result !== result) wrong.push(`lost: ${result} of ${task}`);
    }
    for (const { task, id, seq } of comments) {
      const posted = events.slice(seq - 3, seq).some(({ type, data }) => type === 'message_posted' && data.id === id);
      if (!posted) wrong.push(`lost: the comment ${id} on ${task}`);
    }
  }
  wrong.push(...(await auditHolders(url, worked, live)));
  return wrong;
}

/** Every claim by its id, and those that are not over; says where two held one task at once. */
function replayClaims(events: readonly Json[], wrong: string[]) {
  const made = new Map<string, Taken>();
  const live = new Map<string, Taken>();
  const generations = new Map<string, number>();
  for (const { seq, type, data } of events) {
    const former = live.get(data.id);
    if (data.claim === null || type === 'task_deleted') live.delete(data.id);
    if (type !== 'task_claimed') continue;
    const { id: claim, agent, generation } = data.claim;
    if (former && data.run?.generation !== former.generation)
      wrong.push(`${data.id} was claimed by ${agent} while ${former.agent} had it`);
    if (generation !== (generations.get(data.id) ?? 0) + 1) wrong.push(`${data.id} has no claim ${generation - 1}`);
    const taken = { task: data.id, claim, agent, generation, seq };
    generations.set(data.id, generation);
    made.set(claim, taken);
    live.set(data.id, taken);
  }
  return { made, live };
}

/** Whoever held a task holds it still, and whoever does not cannot write. */
async function auditHolders(url: string, worked: readonly Worked[], live: Map<string, Taken>): Promise<string[]> {
  const wrong: string[] = [];
  const taken = worked.flatMap((each) => each.taken);
  const holds = ({ task, claim }: Taken) => live.get(task)?.claim === claim;
  const over = taken.filter((each) => !holds(each)).slice(-10);
  for (const each of [...taken.filter(holds), ...over]) {
    const { task, claim, agent } = each;
    const { status, body } = await send(url, `/tasks/${task}/heartbeat`, { agent, claim });
    const refused = status === 409 && body.code === 'stale_claim';
    // A short claim may have ended since the events were read.
    const asItShould = holds(each) ? status === 200 || (refused && (await hasExpired(url, each))) : refused;
    if (!asItShould) wrong.push(`a heartbeat with ${claim}: ${status} ${body.code}`);
  }
  return wrong;
}

async function hasExpired(url: string, { task, generation }: Taken): Promise<boolean> {
  const { runs } = (await (await fetch(`${url}/tasks/${task}/runs`)).json()) as Json;
  return runs[generation - 1].outcome === 'expired';
}

/** Sends again after a restart what was not answered; what is done twice. What comes of it is acknowledged as well. */
export async function auditWorkRetries(url: string, worked: Worked): Promise<string[]> {
  const wrong: string[] = [];
  for (const request of worked.open) {
    const { path, body, key } = request;
    const first = await send(url, path, body, key);
    const second = await send(url, path, body, key);
    request.answered(first);
    const same = (field: string) => first.body[field]?.id === second.body[field]?.id;
    // A claim of one second may end between the two.
    const acted = first.status === 200 && first.body.task !== null && second.body.code !== 'stale_claim';
    if (acted && !(second.replayed && first.seq === second.seq && ['task', 'claim', 'comment'].every(same)))
      wrong.push(`${path} sent again: ${JSON.stringify(first.body)}, then ${JSON.stringify(second.body)}`);
  }
  worked.open.clear();
  return wrong;
}
