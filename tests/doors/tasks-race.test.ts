import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { temporaryDirectory } from '../support/directory.ts';
import { type Answer, type Client, client, type Json } from '../support/node.ts';
import { type ServerProcess, serverProcess } from '../support/process.ts';

const AGENTS = Array.from({ length: 16 }, (_, i) => `agent-${i}`);

let server: ServerProcess;
let http: Client;
const directory = temporaryDirectory();
beforeAll(async () => {
  server = await serverProcess({ dir: directory.path });
  http = client(server.url);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  directory[Symbol.dispose]();
});

/** New tasks, made at once; a tag sets those of a test apart. */
async function create(count: number, tag: string): Promise<string[]> {
  const made = await Promise.all(
    Array.from({ length: count }, (_, i) =>
      http.send('POST', '/tasks', { title: `${i}`, createdBy: 'link', tags: [tag] }),
    ),
  );
  return made.map(({ body }) => body.task.id);
}

/** Who has each task, told by the answers, by the tasks and by the journal alike; each was claimed once. */
async function expectEachOnce(ids: readonly string[], holders: ReadonlyMap<string, string>): Promise<void> {
  expect([...holders.keys()].sort()).toEqual([...ids].sort());
  for (const id of ids) {
    const { task } = (await http.get(`/tasks/${id}`)).body;
    expect([task.status, task.assignee, task.generation]).toEqual(['doing', holders.get(id), 1]);
    const { history } = (await http.get(`/tasks/${id}/history`)).body;
    expect(history.filter(({ type }: Json) => type === 'task_claimed')).toHaveLength(1);
  }
}

/** Claims the next task again and again until there is none; who got what. */
async function drain(
  agent: string,
  tag: string,
  holders: Map<string, string>,
  ask: (tag: string) => Promise<Answer>,
): Promise<void> {
  for (;;) {
    const { status, body } = await ask(tag);
    expect(status).toBe(200);
    if (body.task === null) return;
    expect([holders.get(body.task.id), body.claim.agent]).toEqual([undefined, agent]);
    holders.set(body.task.id, agent);
  }
}

const nextByGet = (agent: string) => (tag: string) => http.get(`/tasks/next?agent=${agent}&claim=1&tags=${tag}`);
const nextByPost = (agent: string) => (tag: string) =>
  http.send('POST', '/tasks/next', { agent, claim: true, tags: [tag] });

describe('of sixteen who race', () => {
  test('for each task exactly one gets it, and the others are told who', async () => {
    const ids = await create(30, 'claimed');
    const holders = new Map<string, string>();
    const losers: [string, Json][] = [];
    await Promise.all(
      ids.flatMap((id) =>
        AGENTS.map(async (agent) => {
          const { status, body } = await http.send('POST', `/tasks/${id}/claim`, { agent });
          if (status === 200) {
            expect(holders.has(id)).toBe(false);
            holders.set(id, agent);
          } else {
            expect([status, body.code]).toEqual([409, 'TASK_ALREADY_ASSIGNED']);
            losers.push([id, body]);
          }
        }),
      ),
    );
    expect(losers).toHaveLength(30 * 15);
    for (const [id, body] of losers) expect(body.assignee).toBe(holders.get(id));
    await expectEachOnce(ids, holders);
  });

  test.each([
    ['by GET', nextByGet],
    ['by POST', nextByPost],
  ])('for the next %s no two get the same, and none is left', async (name, next) => {
    const tag = `next ${name}`.replaceAll(' ', '-');
    const ids = await create(60, tag);
    const holders = new Map<string, string>();
    await Promise.all(AGENTS.map((agent) => drain(agent, tag, holders, next(agent))));
    await expectEachOnce(ids, holders);
  });

  test('while some wait and others ask by id, no two get the same, and all who wait are answered', async () => {
    const tag = 'mixed';
    const holders = new Map<string, string>();
    const win = (id: string, agent: string) => {
      expect(holders.has(id)).toBe(false);
      holders.set(id, agent);
    };
    const waiting = AGENTS.map(async (agent) => {
      const { body } = await http.get(`/tasks/next?agent=${agent}&claim=1&wait=20&tags=${tag}`);
      win(body.task.id, agent);
    });
    const ids: string[] = [];
    // Each new task is raced for at once by those who wait and by one who saw it come.
    const racing = AGENTS.map(async () => {
      for (let i = 0; i < 3; i++) {
        const [id = ''] = await create(1, tag);
        ids.push(id);
        const { status } = await http.send('POST', `/tasks/${id}/claim`, { agent: 'racer' });
        if (status === 200) win(id, 'racer');
        else expect(status).toBe(409);
      }
    });
    await Promise.all(racing);
    // What the racer took is made up for.
    for (let i = 0; i < AGENTS.length; i++) ids.push(...(await create(1, tag)));
    await Promise.all(waiting);
    await drain('last', tag, holders, nextByPost('last'));
    await expectEachOnce(ids, holders);
  });
});

test('whoever claims, gives back and claims again at once never has what another has', async () => {
  const [id] = await create(1, 'passed-on');
  let turns = 0;
  let holder: string | undefined;
  await Promise.all(
    AGENTS.map(async (agent) => {
      for (let i = 0; i < 12; i++) {
        const { status, body } = await http.send('POST', `/tasks/${id}/claim`, { agent });
        if (status !== 200) continue;
        turns++;
        expect(holder).toBeUndefined();
        holder = agent;
        const task = (await http.get(`/tasks/${id}`)).body.task;
        expect(task.claim).toEqual(body.claim);
        holder = undefined;
        expect((await http.send('POST', `/tasks/${id}/release`, { claim: body.claim.id })).status).toBe(200);
      }
    }),
  );
  const { runs, count } = (await http.get(`/tasks/${id}/runs`)).body;
  expect(count).toBe(turns);
  expect(runs.map(({ generation }: Json) => generation)).toEqual(runs.map((_: Json, i: number) => i + 1));
});
