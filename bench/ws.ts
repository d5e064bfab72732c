import type { Result, Settings } from './support/benchmark.ts';
import { temporaryDirectory } from './support/directory.ts';
import { httpLoad, type Load, postRequest } from './support/http-load.ts';
import { measureLoad } from './support/measured-load.ts';
import { MESSAGE } from './support/messages.ts';
import { assertStored, startServer } from './support/server.ts';
import { figure, median, ratio } from './support/statistics.ts';
import { pipelinedCalls } from './support/ws-calls.ts';

const WINDOW = 256;
const CONNECTIONS = 64;
const BOUND = 4;

/** Posts over one WebSocket with many calls in flight, against POST over many connections to the same server. */
export async function ws({ quick }: Settings): Promise<Result> {
  using directory = temporaryDirectory();
  await using server = await startServer({ dir: directory.path });
  const request = postRequest(server.port, '/chat/messages', MESSAGE);
  const ms = 1_000;
  const rounds = quick ? 3 : 9;
  const doors: Record<'post' | 'ws', () => Promise<Load>> = {
    post: () => httpLoad(server.port, request, CONNECTIONS, ms),
    ws: () => pipelinedCalls(server.port, WINDOW, ms),
  };
  let answered = 0;
  const run = async (door: 'post' | 'ws') => {
    const measured = await measureLoad(server.pid, doors[door]);
    answered += measured.responses;
    return measured;
  };
  await run('post');
  await run('ws');
  const runs: Record<'post' | 'ws', Awaited<ReturnType<typeof run>>>[] = [];
  for (let round = 0; round < rounds; round++) runs.push({ post: await run('post'), ws: await run('ws') });
  await assertStored(server, answered);
  const share = median(runs.map((each) => each.ws.rate / each.post.rate));
  return {
    checks: [
      {
        what: '`/ws` pipelined durable posts',
        bound: `≥ ${BOUND}× the POST rate at ${CONNECTIONS} connections`,
        measured: ratio(share),
        reached: share >= BOUND,
      },
    ],
    tables: [
      {
        title: 'Durable posts by door',
        head: ['door', 'posts/s', 'p50 ms', 'p99 ms', 'CPU µs/post', 'of it main thread'],
        rows: (['post', 'ws'] as const).map((door) => [
          door === 'post' ? `POST, ${CONNECTIONS} connections` : `/ws, one socket, ${WINDOW} in flight`,
          ...(['rate', 'p50', 'p99', 'cpu', 'mainCpu'] as const).map((name) =>
            figure(median(runs.map((each) => each[door][name]))),
          ),
        ]),
      },
    ],
  };
}
