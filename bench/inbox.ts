import type { Event } from '../src/kernel/event.ts';
import type { Check, Result, Settings, Table } from './support/benchmark.ts';
import { temporaryDirectory } from './support/directory.ts';
import { getRequest, HttpLane, postRequest } from './support/http-load.ts';
import { messagePosted } from './support/messages.ts';
import { startServer } from './support/server.ts';
import { figure, median, quantile } from './support/statistics.ts';
import { cpuTime, residentMb } from './support/usage.ts';

const READER = 'nova';
const WAITERS = 1_000;
const CPU_BOUND_MS = 5;
const CATCH_UP_BOUND_MS = 20;
const WAIT_BOUND_MS = 5;
const MEMORY_BOUND_KB = 20;

/** A message as teams write them: one in 50 mentions the reader, one in 4 is a reply. */
function teamMessage(seq: number, at: number): Event {
  const event = messagePosted(seq, at);
  const first = messagePosted(seq - (seq % 20), at - (seq % 20));
  if (seq % 50 === 0) event.data.mentions = [READER];
  if (seq > 20 && seq % 4 === 1) Object.assign(event.data, { threadId: first.data.id, channel: first.data.channel });
  return event;
}

interface Asked {
  p50: number;
  /** Milliseconds of CPU of the server for one request, all threads. */
  cpu: number;
}

async function ask({ port, pid }: { port: number; pid: number }, path: string, n: number): Promise<Asked> {
  const lane = await HttpLane.open(port);
  const request = getRequest(port, path);
  for (let i = 0; i < 20; i++) await lane.request(request);
  const times: number[] = [];
  const before = cpuTime(pid).all;
  for (let i = 0; i < n; i++) {
    const began = performance.now();
    await lane.request(request);
    times.push(performance.now() - began);
  }
  const cpu = (cpuTime(pid).all - before) / 1_000 / n;
  lane.close();
  return { p50: quantile(times, 0.5), cpu };
}

async function asking({ quick, histories }: Settings): Promise<{ checks: Check[]; table: Table }> {
  const short = await histories.of(20_000, teamMessage);
  const long = await histories.of(100_000, teamMessage);
  await using shortServer = await startServer({ dir: short.dir });
  await using longServer = await startServer({ dir: long.dir });
  const n = quick ? 50 : 200;
  const questions = [
    { server: shortServer, events: 20_000, path: `/inbox/${READER}/unread`, cpu: CPU_BOUND_MS },
    { server: shortServer, events: 20_000, path: `/inbox/${READER}?limit=50&peek=1`, cpu: CPU_BOUND_MS },
    { server: longServer, events: 100_000, path: `/catchup/${READER}?after=earliest`, p50: CATCH_UP_BOUND_MS },
    { server: longServer, events: 100_000, path: `/catchup/${READER}?after=90000`, p50: CATCH_UP_BOUND_MS },
    { server: longServer, events: 100_000, path: `/heartbeat/${READER}`, cpu: CPU_BOUND_MS },
  ];
  const checks: Check[] = [];
  const rows: string[][] = [];
  for (const { server, events, path, cpu, p50 } of questions) {
    const asked = await ask(server, path, n);
    const [measured, bound] = cpu === undefined ? [asked.p50, p50 as number] : [asked.cpu, cpu];
    checks.push({
      what: `GET ${path} at ${figure(events)} messages`,
      bound: `≤ ${bound} ms${cpu === undefined ? ', p50' : ' of CPU'}`,
      measured: `${figure(measured)} ms`,
      reached: measured <= bound,
    });
    rows.push([`GET ${path}`, figure(events), figure(asked.p50), figure(asked.cpu)]);
  }
  const head = ['request', 'messages', 'p50 ms', 'CPU ms'];
  return { checks, table: { title: 'What is for an agent', head, rows } };
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function sleepers(port: number, name: string, n: number): Promise<HttpLane[]> {
  const lanes: HttpLane[] = [];
  for (let i = 0; i < n; i++) {
    const lane = await HttpLane.open(port);
    lane.request(getRequest(port, `/wait/${name}-${i}?timeout=600`)).catch(() => {});
    lanes.push(lane);
  }
  await sleep(500);
  return lanes;
}

async function waiting({ quick }: Settings): Promise<{ checks: Check[]; table: Table }> {
  using directory = temporaryDirectory();
  await using server = await startServer({ dir: directory.path });
  const { port, pid } = server;
  // What a server of any load needs is not counted.
  for (const lane of await sleepers(port, 'early', WAITERS)) lane.close();
  await sleep(1_000);
  const before = residentMb(pid);
  const lanes = await sleepers(port, 'sleeper', WAITERS);
  const each = ((residentMb(pid) - before) * 1_024) / WAITERS;
  const [waiter, poster] = [await HttpLane.open(port), await HttpLane.open(port)];
  const times: number[] = [];
  const afterPost: number[] = [];
  for (let i = 0; i < (quick ? 100 : 400); i++) {
    const answer = waiter.request(getRequest(port, '/wait/probe?timeout=60')).then(() => performance.now());
    await sleep(2);
    const began = performance.now();
    await poster.request(postRequest(port, '/chat/messages', { from: 'link', to: 'probe', content: 'wake up' }));
    const posted = performance.now();
    const woken = await answer;
    times.push(woken - began);
    afterPost.push(woken - posted);
  }
  for (const lane of [waiter, poster, ...lanes]) lane.close();
  const p50 = quantile(times, 0.5);
  return {
    checks: [
      {
        what: `from a post to the answer of whoever waits for it, ${figure(WAITERS)} waiting`,
        bound: `≤ ${WAIT_BOUND_MS} ms, p50`,
        measured: `${figure(p50)} ms`,
        reached: p50 <= WAIT_BOUND_MS,
      },
      {
        what: `memory of one that waits, ${figure(WAITERS)} waiting`,
        bound: `≤ ${MEMORY_BOUND_KB} KB`,
        measured: `${figure(each)} KB`,
        reached: each <= MEMORY_BOUND_KB,
      },
    ],
    table: {
      title: `Waking, ${figure(WAITERS)} waiting`,
      head: ['', 'p50 ms', 'p99 ms'],
      rows: [
        ['since the post was sent', figure(p50), figure(quantile(times, 0.99))],
        ['since the post was answered', figure(median(afterPost)), figure(quantile(afterPost, 0.99))],
      ],
    },
  };
}

/** What waking up costs: counts, lists, catching up, and waiting. */
export async function inbox(settings: Settings): Promise<Result> {
  const asked = await asking(settings);
  const waited = await waiting(settings);
  return { checks: [...asked.checks, ...waited.checks], tables: [asked.table, waited.table] };
}
