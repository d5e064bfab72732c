import type { Result, Settings } from './support/benchmark.ts';
import { HttpLane, postRequest } from './support/http-load.ts';
import { MESSAGE } from './support/messages.ts';
import { health, type Server, startServer } from './support/server.ts';
import { figure, median } from './support/statistics.ts';
import { residentMb } from './support/usage.ts';

const BOUND_MS = 600;
const BOUND_MB = 300;
const CONNECTIONS = 16;
const LOAD_MS = 300;

/** Posts over many connections until the server ends; answers how many posts were acknowledged. */
async function postUntilEnd({ port }: Server): Promise<number> {
  const request = postRequest(port, '/chat/messages', MESSAGE);
  const lanes = await Promise.all(Array.from({ length: CONNECTIONS }, () => HttpLane.open(port)));
  let acknowledged = 0;
  const post = async (lane: HttpLane) => {
    for (;;) {
      await lane.request(request);
      acknowledged++;
    }
  };
  await Promise.allSettled(lanes.map(post));
  return acknowledged;
}

/** From the start of the process to `Ready.`, and its memory then, after an orderly end and after kill -9. */
export async function restart({ quick, histories }: Settings): Promise<Result> {
  const messages = quick ? 50_000 : 1_000_000;
  const { dir, rebuildRate } = await histories.of(messages);
  const rounds = quick ? 2 : 5;
  const kinds = { SIGTERM: 'SIGTERM under load', SIGKILL: 'kill -9 under load' } as const;
  const runs: Record<keyof typeof kinds, { ms: number; mb: number }[]> = { SIGTERM: [], SIGKILL: [] };
  let stored = messages;
  let acknowledgedAll = 0;
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    for (let round = 0; round < rounds; round++) {
      let acknowledged: number;
      {
        await using server = await startServer({ dir });
        const posting = postUntilEnd(server);
        await new Promise((resolve) => setTimeout(resolve, LOAD_MS));
        await server.end(signal);
        acknowledged = await posting;
      }
      if (acknowledged === 0) throw new Error('nothing was posted before the server ended');
      await using server = await startServer({ dir });
      runs[signal].push({ ms: server.readyMs, mb: residentMb(server.pid) });
      // What was under way when the process ended may be stored without an answer, once for each connection.
      const { totalMessages } = (await health(server)).chat;
      const unanswered = totalMessages - stored - acknowledged;
      if (unanswered < 0 || unanswered > CONNECTIONS)
        throw new Error(`${acknowledged} posts were acknowledged, ${totalMessages - stored} are stored`);
      stored = totalMessages;
      acknowledgedAll += acknowledged;
      await server.end();
    }
  }
  const ms = median(runs.SIGTERM.map((run) => run.ms));
  const mb = Math.max(...Object.values(runs).flatMap((each) => each.map((run) => run.mb)));
  return {
    checks: [
      {
        what: `restart at ${figure(messages)} messages`,
        bound: `ready ≤ ${BOUND_MS / 1_000} s`,
        measured: `${figure(ms / 1_000)} s`,
        reached: ms <= BOUND_MS,
      },
      {
        what: 'memory after it',
        bound: `≤ ${BOUND_MB} MB`,
        measured: `${figure(mb)} MB`,
        reached: mb <= BOUND_MB,
      },
      {
        what: 'acknowledged writes lost when the server ended under load',
        bound: '0',
        measured: `0 of ${figure(acknowledgedAll)}`,
        reached: true,
      },
    ],
    tables: [
      {
        title: `Start with ${figure(messages)} messages`,
        head: ['after', 'ready ms (median)', 'slowest ms', 'RSS MB (most)'],
        rows: (['SIGTERM', 'SIGKILL'] as const).map((signal) => [
          kinds[signal],
          figure(median(runs[signal].map((run) => run.ms))),
          figure(Math.max(...runs[signal].map((run) => run.ms))),
          figure(Math.max(...runs[signal].map((run) => run.mb))),
        ]),
      },
      {
        title: 'Index made anew from the journal',
        head: ['events', 'events/s'],
        rows: [[figure(messages), figure(rebuildRate)]],
      },
    ],
  };
}
