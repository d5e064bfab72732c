import type { Result, Settings } from './support/benchmark.ts';
import { getRequest, HttpLane } from './support/http-load.ts';
import { assertStored, startServer } from './support/server.ts';
import { figure, median, quantile, ratio } from './support/statistics.ts';

const BOUND = 1.5;
const SMALL = 1_000;
const PATH = '/chat/messages?channel=general&limit=50';

/** Milliseconds of one page after another over one connection. */
async function pages(port: number, n: number): Promise<number[]> {
  const lane = await HttpLane.open(port);
  const request = getRequest(port, PATH);
  const times: number[] = [];
  let body: Buffer = Buffer.alloc(0);
  for (let i = 0; i < n; i++) {
    const began = performance.now();
    body = await lane.request(request);
    times.push(performance.now() - began);
  }
  lane.close();
  const { messages } = JSON.parse(body.toString()) as { messages: unknown[] };
  if (messages.length !== 50) throw new Error(`a page of 50 has ${messages.length} messages`);
  return times;
}

/** The newest 50 messages of a channel, in a short and in a long history. */
export async function page({ quick, histories }: Settings): Promise<Result> {
  const many = quick ? 50_000 : 1_000_000;
  const small = await histories.of(SMALL);
  const large = await histories.of(many);
  await using smallServer = await startServer({ dir: small.dir });
  await using largeServer = await startServer({ dir: large.dir });
  await assertStored(smallServer, small.events);
  await assertStored(largeServer, large.events);
  const n = quick ? 200 : 1_000;
  for (const { port } of [smallServer, largeServer]) await pages(port, n);
  const runs: { small: number; large: number; largeP99: number; smallP99: number }[] = [];
  for (let round = 0; round < (quick ? 3 : 7); round++) {
    const inSmall = await pages(smallServer.port, n);
    const inLarge = await pages(largeServer.port, n);
    runs.push({
      small: quantile(inSmall, 0.5),
      smallP99: quantile(inSmall, 0.99),
      large: quantile(inLarge, 0.5),
      largeP99: quantile(inLarge, 0.99),
    });
  }
  const share = median(runs.map((run) => run.large / run.small));
  const middle = (name: keyof (typeof runs)[number]) => figure(median(runs.map((run) => run[name])));
  await Promise.all([smallServer.end(), largeServer.end()]);
  return {
    checks: [
      {
        what: `page of 50 at ${figure(many)} messages`,
        bound: `≤ ${BOUND}× the time at ${figure(SMALL)}`,
        measured: ratio(share),
        reached: share <= BOUND,
      },
    ],
    tables: [
      {
        title: `GET ${PATH}`,
        head: ['messages in the history', 'p50 ms', 'p99 ms'],
        rows: [
          [figure(SMALL), middle('small'), middle('smallP99')],
          [figure(many), middle('large'), middle('largeP99')],
        ],
      },
    ],
  };
}
