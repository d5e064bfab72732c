import { randomUUID } from 'node:crypto';
import { type Answer, send } from './writers.ts';

/** A task that was taken. */
export interface Taken {
  task: string;
  claim: string;
  agent: string;
  generation: number;
  seq: number;
}

/** A keyed command of a worker, and what it means when it is answered. */
interface Request {
  path: string;
  body: object;
  key: string;
  answered(answer: Answer): void;
}

/** What workers that race for tasks were told until the server went away. */
export interface Worked {
  taken: Taken[];
  completed: { task: string; claim: string; agent: string; result: string; seq: number }[];
  comments: { task: string; id: string; seq: number }[];
  /** Commands that were sent and not answered. */
  open: Set<Request>;
  /** Answers that no worker should get. */
  wrong: string[];
}

const AGENTS = ['anna', 'ben', 'cleo', 'dora'];

/** Sends a command that may be sent again; throws where the server is gone. */
async function ask(url: string, worked: Worked, request: Omit<Request, 'key'>): Promise<Answer> {
  const keyed = { ...request, key: randomUUID() };
  worked.open.add(keyed);
  const answer = await send(url, keyed.path, keyed.body, keyed.key);
  worked.open.delete(keyed);
  keyed.answered(answer);
  return answer;
}

/** Another has it, or the claim that was not answered in time is over by the time it is asked for again. */
const LOST = ['TASK_ALREADY_ASSIGNED', 'stale_claim'];

/** Takes a task: the one of the path, or the next. Whoever loses a race is told so. */
async function take(
  url: string,
  worked: Worked,
  agent: string,
  path: string,
  more: object,
): Promise<Taken | undefined> {
  let taken: Taken | undefined;
  await ask(url, worked, {
    path,
    body: { agent, ...more },
    answered({ status, body, seq }) {
      if (status === 200 && body.claim) {
        const { id, generation } = body.claim;
        taken = { task: body.task.id, claim: id, agent, generation, seq };
        worked.taken.push(taken);
        if (body.claim.agent !== agent) worked.wrong.push(`${agent} was given the claim of ${body.claim.agent}`);
      } else if (status !== 200 && !LOST.includes(body.code))
        worked.wrong.push(`${path} of ${agent}: ${status} ${body.code}`);
    },
  });
  return taken;
}

/** Makes a task for which two race at once, beside whoever asks for the next one. */
async function contest(url: string, worked: Worked, agent: string, title: string): Promise<void> {
  const { status, body } = await send(url, '/tasks', { title, createdBy: agent });
  if (status !== 200) return void worked.wrong.push(`POST /tasks: ${status}`);
  const rivals = [agent, `${agent}-too`];
  const path = `/tasks/${body.task.id}/claim`;
  const winners = await Promise.all(rivals.map((rival) => take(url, worked, rival, path, {})));
  for (const winner of winners) if (winner) await finish(url, worked, winner, title);
}

async function finish(url: string, worked: Worked, taken: Taken, result: string): Promise<void> {
  const { task, claim, agent } = taken;
  await ask(url, worked, {
    path: `/tasks/${task}/comments`,
    body: { author: agent, content: `${result} is being done` },
    answered({ status, body, seq }) {
      if (status === 200) worked.comments.push({ task, id: body.comment.id, seq });
      else worked.wrong.push(`a comment: ${status}`);
    },
  });
  await ask(url, worked, {
    path: `/tasks/${task}/complete`,
    body: { agent, claim, result },
    answered({ status, body, seq }) {
      if (status === 200) worked.completed.push({ task, claim, agent, result, seq });
      else worked.wrong.push(`completing ${task} with the claim of ${agent}: ${status} ${body.code}`);
    },
  });
}

async function work(url: string, worked: Worked, agent: string, round: string): Promise<void> {
  for (let i = 0; ; i++) {
    const result = `${round} ${agent} ${i}`;
    if (i % 3 === 0) await contest(url, worked, agent, `${result} contested`);
    else await send(url, '/tasks', { title: result, createdBy: agent });
    // Some never finish: their claims are over after a second, also where the server was away then.
    const dies = i % 7 === 6;
    const taken = await take(url, worked, agent, '/tasks/next', { claim: true, ...(dies && { ttl: 1 }) });
    if (taken && !dies) await finish(url, worked, taken, result);
  }
}

/** Agents that make tasks, race for them and complete them until the server is gone. */
export function startWorkers(url: string, round: string): { worked: Worked; done: Promise<unknown> } {
  const worked: Worked = { taken: [], completed: [], comments: [], open: new Set(), wrong: [] };
  const gone = (error: unknown) => {
    if (!(error instanceof TypeError)) throw error;
  };
  return { worked, done: Promise.all(AGENTS.map((agent) => work(url, worked, agent, round).catch(gone))) };
}
