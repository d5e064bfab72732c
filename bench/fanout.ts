import { connect } from 'node:net';
import type { Result, Settings } from './support/benchmark.ts';
import { temporaryDirectory } from './support/directory.ts';
import { HttpLane, postRequest } from './support/http-load.ts';
import { MESSAGE } from './support/messages.ts';
import { openRawStream } from './support/raw-sse.ts';
import { RawSocket, textFrame } from './support/raw-ws.ts';
import { assertStored, type Server, startServer } from './support/server.ts';
import { figure, quantile } from './support/statistics.ts';

const READERS = 100;
const BOUND_MS = 5;

type Readers = { close(): void }[];

/** Opens the readers; each call of `got` is one reader that has one message. */
type OpenReaders = (server: Server, got: () => void, failed: (error: Error) => void) => Promise<Readers>;

const doors: Record<string, OpenReaders> = {
  '/ws sockets': async ({ port }, got, failed) => {
    let subscribed = 0;
    const readers: RawSocket[] = [];
    for (let i = 0; i < READERS; i++) {
      const received = (payload: Buffer) => {
        if (payload.includes('"type":"sync"')) subscribed++;
        else if (payload.includes('"type":"message_posted"')) got();
      };
      readers.push(await RawSocket.open(port, '/ws', received, failed));
    }
    for (const reader of readers) reader.write(textFrame('{"type":"subscribe","sid":"a"}'));
    while (subscribed < READERS) await new Promise((resolve) => setTimeout(resolve, 5));
    return readers;
  },
  'SSE readers': async ({ port }, got, failed) => {
    const readers: Readers = [];
    for (let i = 0; i < READERS; i++) {
      const received = (text: string) => {
        if (text.includes('event: message_posted\n')) got();
      };
      const socket = await openRawStream(port, received, failed);
      readers.push({ close: () => socket.destroy() });
    }
    return readers;
  },
};

/** Milliseconds from the moment a message is sent until the last reader has it, for each of `n` messages. */
async function latencies(server: Server, open: OpenReaders, n: number): Promise<number[]> {
  const times: number[] = [];
  let missing = 0;
  let last = () => {};
  let stop: (error: Error) => void = () => {};
  const broken = new Promise<never>((_, reject) => (stop = reject));
  broken.catch(() => {});
  const readers = await open(server, () => --missing === 0 && last(), stop);
  const lane = await HttpLane.open(server.port);
  const request = postRequest(server.port, '/chat/messages', MESSAGE);
  try {
    for (let i = 0; i < n; i++) {
      missing = READERS;
      const began = performance.now();
      const everybody = new Promise<void>((resolve) => {
        last = () => {
          times.push(performance.now() - began);
          resolve();
        };
      });
      const late = AbortSignal.timeout(10_000);
      late.onabort = () => stop(new Error(`${missing} of ${READERS} readers did not get message ${i}`));
      await Promise.race([broken, Promise.all([lane.request(request), everybody])]);
      late.onabort = null;
      if (missing !== 0) throw new Error('a reader got a message twice');
    }
  } finally {
    lane.close();
    for (const reader of readers) reader.close();
  }
  return times;
}

/** Milliseconds of a round trip over an unloaded loopback connection. */
async function loopback(dir: string, n: number): Promise<number> {
  await using echo = await startServer({ program: 'bench/echo.js', dir });
  const socket = connect({ port: echo.port, host: '127.0.0.1', noDelay: true });
  const times: number[] = [];
  for (let i = 0; i < n; i++) {
    const began = performance.now();
    const back = new Promise((resolve, reject) => socket.once('data', resolve).once('error', reject));
    socket.write('x'.repeat(400));
    await back;
    socket.removeAllListeners('error');
    times.push(performance.now() - began);
  }
  socket.destroy();
  return quantile(times, 0.5);
}

/** POST until the last of 100 readers has it, on each door. */
export async function fanout({ quick }: Settings): Promise<Result> {
  using directory = temporaryDirectory();
  await using server = await startServer({ dir: directory.path });
  const n = quick ? 150 : 1_000;
  const warm = quick ? 50 : 200;
  const base = await loopback(directory.path, 1_000);
  const result: Result = { checks: [], tables: [] };
  const rows: string[][] = [];
  let posted = 0;
  for (const [door, open] of Object.entries(doors)) {
    const times = (await latencies(server, open, n + warm)).slice(warm);
    posted += n + warm;
    const over = quantile(times, 0.5) - base;
    rows.push([door, figure(quantile(times, 0.5)), figure(quantile(times, 0.99)), figure(base), figure(over)]);
    result.checks.push({
      what: `POST to the last of ${READERS} ${door}`,
      bound: `p50 ≤ ${BOUND_MS} ms over an unloaded loopback`,
      measured: `${figure(over)} ms`,
      reached: over <= BOUND_MS,
    });
  }
  await assertStored(server, posted);
  result.tables.push({
    title: `From POST until the last of ${READERS} readers has it`,
    head: ['readers', 'p50 ms', 'p99 ms', 'loopback round trip ms', 'p50 over it ms'],
    rows,
  });
  return result;
}
