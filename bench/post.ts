import type { Result, Settings } from './support/benchmark.ts';
import { temporaryDirectory } from './support/directory.ts';
import { httpLoad, postRequest } from './support/http-load.ts';
import { type MeasuredLoad, measureLoad } from './support/measured-load.ts';
import { MESSAGE } from './support/messages.ts';
import { assertStored, type Server, startServer } from './support/server.ts';
import { figure, median, ratio } from './support/statistics.ts';

const CONNECTIONS = [1, 16, 64];
const BOUND = 0.85;

class Side {
  readonly server: Server;
  readonly request: Buffer;
  answered = 0;

  constructor(server: Server) {
    this.server = server;
    this.request = postRequest(server.port, '/chat/messages', MESSAGE);
  }

  async run(connections: number, ms: number): Promise<MeasuredLoad> {
    const { server, request } = this;
    const run = await measureLoad(server.pid, () => httpLoad(server.port, request, connections, ms));
    this.answered += run.responses;
    return run;
  }
}

/** POST /chat/messages against a bare Fastify app that makes the body durable before it answers. */
export async function post({ quick }: Settings): Promise<Result> {
  using oursDirectory = temporaryDirectory();
  using bareDirectory = temporaryDirectory();
  await using oursServer = await startServer({ dir: oursDirectory.path });
  await using bareServer = await startServer({ program: 'bench/server.js', dir: bareDirectory.path });
  const bare = new Side(bareServer);
  const ours = new Side(oursServer);
  const ms = quick ? 500 : 800;
  const rounds = quick ? 3 : 11;
  for (const side of [bare, ours]) await side.run(64, quick ? 700 : 3_000);
  const result: Result = { checks: [], tables: [] };
  const rows: string[][] = [];
  for (const connections of CONNECTIONS) {
    const runs: { bare: MeasuredLoad; ours: MeasuredLoad }[] = [];
    for (let round = 0; round < rounds; round++)
      runs.push({ bare: await bare.run(connections, ms), ours: await ours.run(connections, ms) });
    for (const side of ['bare', 'ours'] as const) {
      const middle = (name: keyof MeasuredLoad) => figure(median(runs.map((run) => run[side][name])));
      rows.push([
        String(connections),
        side === 'bare' ? 'bare Fastify' : 'reflectt-node',
        middle('rate'),
        middle('p50'),
        middle('p99'),
        middle('cpu'),
        middle('mainCpu'),
      ]);
    }
    const against = (name: keyof MeasuredLoad) => median(runs.map((run) => run.ours[name] / run.bare[name]));
    rows.push([
      String(connections),
      'ratio',
      ...(['rate', 'p50', 'p99', 'cpu', 'mainCpu'] as const).map((name) => ratio(against(name))),
    ]);
    if (connections > 1)
      result.checks.push({
        what: `durable POST, ${connections} connections`,
        bound: `≥ ${BOUND}× bare Fastify`,
        measured: ratio(against('rate')),
        reached: against('rate') >= BOUND,
      });
  }
  await assertStored(oursServer, ours.answered);
  await assertStored(bareServer, bare.answered);
  result.tables.push({
    title: 'POST /chat/messages',
    head: ['connections', 'server', 'requests/s', 'p50 ms', 'p99 ms', 'CPU µs/request', 'of it main thread'],
    rows,
  });
  return result;
}
