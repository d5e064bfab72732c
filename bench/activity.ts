import type { Check, Result, Settings } from './support/benchmark.ts';
import { getRequest, HttpLane } from './support/http-load.ts';
import { mixedEvent } from './support/mixed-events.ts';
import { startServer } from './support/server.ts';
import { figure, median, quantile, ratio } from './support/statistics.ts';

const SMALL = 1_000;
const BOUND = 1.5;

/** What is asked, and who asks. No bound: what has no index of its own. */
const QUESTIONS: readonly { path: string; reader?: string; unbounded?: true }[] = [
  { path: '/activity?limit=50' },
  { path: '/activity?limit=50', reader: 'kai' },
  { path: '/activity?limit=50&agent=link' },
  { path: '/activity?limit=50&agent=kai', reader: 'echo' },
  { path: '/activity?limit=50&type=task_*' },
  { path: '/activity?limit=50&type=message_reacted,task_updated', reader: 'kai' },
  { path: '/activity?limit=50&channel=general' },
  { path: '/activity?limit=50&channel=dm:echo:kai', reader: 'kai' },
  { path: '/activity?limit=50&channel=general&agent=scout', unbounded: true },
  { path: '/activity?limit=50&cursor=<half>' },
];

/** Milliseconds of one page after another over one connection: the median. */
async function pages(port: number, path: string, reader: string | undefined, n: number): Promise<number> {
  const lane = await HttpLane.open(port);
  const request = getRequest(port, path, reader === undefined ? {} : { 'X-Agent': reader });
  const times: number[] = [];
  let body: Buffer = Buffer.alloc(0);
  for (let i = 0; i < n; i++) {
    const began = performance.now();
    body = await lane.request(request);
    times.push(performance.now() - began);
  }
  lane.close();
  const { count } = JSON.parse(body.toString()) as { count: number };
  if (count === 0) throw new Error(`${path} shows nothing`);
  return quantile(times, 0.5);
}

/** What happened, by every filter, in a short and in a long history. */
export async function activity({ quick, histories }: Settings): Promise<Result> {
  const many = quick ? 50_000 : 1_000_000;
  const small = await histories.of(SMALL, mixedEvent);
  const large = await histories.of(many, mixedEvent);
  await using smallServer = await startServer({ dir: small.dir });
  await using largeServer = await startServer({ dir: large.dir });
  const n = quick ? 50 : 200;
  const checks: Check[] = [];
  const rows: string[][] = [];
  for (const { path, reader, unbounded } of QUESTIONS) {
    const inHistory = ({ port }: { port: number }, events: number) =>
      pages(port, path.replace('<half>', String(events / 2)), reader, n);
    await inHistory(smallServer, SMALL);
    await inHistory(largeServer, many);
    const runs: { small: number; large: number }[] = [];
    for (let round = 0; round < 5; round++)
      runs.push({ small: await inHistory(smallServer, SMALL), large: await inHistory(largeServer, many) });
    const share = median(runs.map((run) => run.large / run.small));
    const name = reader === undefined ? path : `${path}, asked by ${reader}`;
    const check = {
      what: `${name} at ${figure(many)} events`,
      bound: `≤ ${BOUND}× the time at ${figure(SMALL)}`,
      measured: ratio(share),
      reached: share <= BOUND,
    };
    if (!unbounded) checks.push(check);
    rows.push([name, figure(median(runs.map((run) => run.small))), figure(median(runs.map((run) => run.large)))]);
  }
  await Promise.all([smallServer.end(), largeServer.end()]);
  return {
    checks,
    tables: [
      {
        title: 'What happened: pages of 50, p50 ms',
        head: ['request', `${figure(SMALL)} events`, `${figure(many)} events`],
        rows,
      },
    ],
  };
}
