import type { Check, Result, Settings, Table } from './support/benchmark.ts';
import { temporaryDirectory } from './support/directory.ts';
import { getRequest, HttpLane, httpLoad, type Load, lanesLoad, postRequest } from './support/http-load.ts';
import { measureLoad } from './support/measured-load.ts';
import { MESSAGE } from './support/messages.ts';
import { type Server, startServer } from './support/server.ts';
import { figure, median, quantile, ratio } from './support/statistics.ts';

const CLAIMANTS = 64;
const CLAIM_BOUND = 0.5;
const SMALL = 1_000;
const SIZE_BOUND = 2;

/** A task as teams write them; every third is somebody's. */
function taskOf(i: number): object {
  return {
    title: `Find out why request ${i} is answered late, and mend it`,
    createdBy: `agent-${i % 7}`,
    priority: `P${i % 4}`,
    tags: [i % 2 ? 'server' : 'page', `area-${i % 20}`],
    ...(i % 3 === 0 && { assignee: `agent-${i % 10}` }),
  };
}

async function createTasks(port: number, n: number, of: (i: number) => object): Promise<void> {
  let sent = 0;
  await lanesLoad(port, CLAIMANTS, () => (sent < n ? postRequest(port, '/tasks', of(sent++)) : undefined));
}

/** Every claimant takes the next task until there is none. */
async function claimAll(port: number, tasks: number): Promise<Load> {
  const claimed = new Set<string>();
  const load = await lanesLoad(port, CLAIMANTS, (lane, answer) => {
    if (answer) {
      const { task } = JSON.parse(answer.toString()) as { task: { id: string } | null };
      if (task === null) return undefined;
      if (claimed.has(task.id)) throw new Error(`${task.id} was claimed twice`);
      claimed.add(task.id);
    }
    return postRequest(port, '/tasks/next', { agent: `claimant-${lane}`, claim: true });
  });
  if (claimed.size !== tasks) throw new Error(`${claimed.size} of ${tasks} tasks were claimed`);
  return load;
}

async function claiming(quick: boolean): Promise<{ check: Check; table: Table }> {
  using directory = temporaryDirectory();
  await using server = await startServer({ dir: directory.path });
  const tasks = quick ? 2_000 : 10_000;
  const request = postRequest(server.port, '/chat/messages', MESSAGE);
  const round = async () => {
    await createTasks(server.port, tasks, (i) => ({ ...taskOf(i), assignee: undefined }));
    const post = await measureLoad(server.pid, () => httpLoad(server.port, request, CLAIMANTS, 1_000));
    return { post, claim: await measureLoad(server.pid, () => claimAll(server.port, tasks)) };
  };
  await round();
  const runs: Awaited<ReturnType<typeof round>>[] = [];
  for (let i = 0; i < (quick ? 2 : 5); i++) runs.push(await round());
  const share = median(runs.map(({ claim, post }) => claim.rate / post.rate));
  return {
    check: {
      what: `claims of the next task, ${CLAIMANTS} claimants, ${figure(tasks)} tasks`,
      bound: `≥ ${CLAIM_BOUND}× the POST rate`,
      measured: ratio(share),
      reached: share >= CLAIM_BOUND,
    },
    table: {
      title: 'Claims of the next task',
      head: ['request', 'a second', 'p50 ms', 'p99 ms', 'CPU µs', 'of it main thread'],
      rows: (['post', 'claim'] as const).map((door) => [
        door === 'post' ? 'POST /chat/messages' : 'POST /tasks/next with claim',
        ...(['rate', 'p50', 'p99', 'cpu', 'mainCpu'] as const).map((name) =>
          figure(median(runs.map((each) => each[door][name]))),
        ),
      ]),
    },
  };
}

/** What is asked of a board, again and again. */
const QUESTIONS: Record<string, (port: number) => Buffer> = {
  'GET /tasks/next?agent=agent-3': (port) => getRequest(port, '/tasks/next?agent=agent-3'),
  'GET /tasks?limit=50': (port) => getRequest(port, '/tasks?limit=50'),
  'GET /tasks?status=todo&assignee=agent-3&limit=50': (port) =>
    getRequest(port, '/tasks?status=todo&assignee=agent-3&limit=50'),
  'GET /tasks?tags=area-7&limit=50': (port) => getRequest(port, '/tasks?tags=area-7&limit=50'),
  'GET /tasks/board?limit=20': (port) => getRequest(port, '/tasks/board?limit=20'),
  'POST /tasks/next with claim': (port) => postRequest(port, '/tasks/next', { agent: 'agent-3', claim: true }),
};

async function ask({ port }: Server, request: Buffer, times: number): Promise<number> {
  const lane = await HttpLane.open(port);
  const took: number[] = [];
  for (let i = 0; i < times; i++) {
    const began = performance.now();
    await lane.request(request);
    took.push(performance.now() - began);
  }
  lane.close();
  return quantile(took, 0.5);
}

async function asking(quick: boolean): Promise<{ checks: Check[]; table: Table }> {
  const many = quick ? 10_000 : 100_000;
  using smallDirectory = temporaryDirectory();
  using largeDirectory = temporaryDirectory();
  await using small = await startServer({ dir: smallDirectory.path });
  await using large = await startServer({ dir: largeDirectory.path });
  await createTasks(small.port, SMALL, taskOf);
  await createTasks(large.port, many, taskOf);
  const checks: Check[] = [];
  const rows: string[][] = [];
  for (const [name, requestTo] of Object.entries(QUESTIONS)) {
    const times = quick ? 20 : 40;
    const runs: { small: number; large: number }[] = [];
    for (let round = 0; round < 5; round++) {
      const inSmall = await ask(small, requestTo(small.port), times);
      runs.push({ small: inSmall, large: await ask(large, requestTo(large.port), times) });
    }
    const share = median(runs.map((run) => run.large / run.small));
    checks.push({
      what: `${name} at ${figure(many)} tasks`,
      bound: `≤ ${SIZE_BOUND}× the time at ${figure(SMALL)}`,
      measured: ratio(share),
      reached: share <= SIZE_BOUND,
    });
    rows.push([name, figure(median(runs.map((run) => run.small))), figure(median(runs.map((run) => run.large)))]);
  }
  return {
    checks,
    table: {
      title: 'Questions to a board, p50 ms',
      head: ['request', `${figure(SMALL)} tasks`, `${figure(many)} tasks`],
      rows,
    },
  };
}

/** Claims by many agents at once, and what a board costs when it is large. */
export async function tasks({ quick }: Settings): Promise<Result> {
  const claims = await claiming(quick);
  const questions = await asking(quick);
  return { checks: [claims.check, ...questions.checks], tables: [claims.table, questions.table] };
}
