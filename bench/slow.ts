import type { Result, Settings } from './support/benchmark.ts';
import { temporaryDirectory } from './support/directory.ts';
import { openRawStream, openStoppedStream } from './support/raw-sse.ts';
import { assertStored, health, startServer } from './support/server.ts';
import { figure, quantile } from './support/statistics.ts';
import { residentMb } from './support/usage.ts';
import { WsCaller } from './support/ws-calls.ts';

const FAST = 10;
const STOPPED = 30;
const RATE = 5_000;
const BOUND_MB = 150;
const TURN_MS = 5;

const FRAME = 'event: ';

/** What one reader has seen. Fails at the first event that is not the next one. */
class Reader {
  seq: number;
  readonly #sentAt: Float64Array;
  readonly latencies: number[] = [];

  constructor(head: number, sentAt: Float64Array) {
    this.seq = head;
    this.#sentAt = sentAt;
  }

  receive(text: string): void {
    const now = performance.now();
    for (let at = text.indexOf(FRAME); at !== -1; at = text.indexOf(FRAME, at + 1)) {
      const type = text.slice(at + FRAME.length, text.indexOf('\n', at));
      // Frames that are no events tell where the stream stands.
      if (!type.includes('_')) continue;
      const id = text.indexOf('\nid: ', at);
      const end = text.indexOf('\n', id + 5);
      const seq = Number(text.slice(text.indexOf('-', id) + 1, end));
      if (seq !== this.seq + 1) throw new Error(`a fast reader got ${seq} after ${this.seq}`);
      this.seq = seq;
      if (type === 'message_posted') this.latencies.push(now - (this.#sentAt[this.latencies.length] as number));
    }
  }
}

/** 40 SSE readers of which 30 never read, at 5,000 events a second. */
export async function slow({ quick }: Settings): Promise<Result> {
  using directory = temporaryDirectory();
  await using server = await startServer({ dir: directory.path });
  const events = RATE * (quick ? 8 : 20);
  const { head } = (await health(server)).journal;
  const sentAt = new Float64Array(events);
  let stop: (error: Error) => void = () => {};
  const broken = new Promise<never>((_, reject) => (stop = reject));
  broken.catch(() => {});
  const readers = Array.from({ length: FAST }, () => new Reader(head, sentAt));
  const streams = await Promise.all([
    ...readers.map((reader) =>
      openRawStream(
        server.port,
        (text) => {
          try {
            reader.receive(text);
          } catch (error) {
            stop(error as Error);
          }
        },
        stop,
      ),
    ),
    ...Array.from({ length: STOPPED }, () => openStoppedStream(server.port)),
  ]);
  let answered = 0;
  const caller = await WsCaller.open({ port: server.port, answered: () => answered++, failed: stop });
  const before = residentMb(server.pid);
  let peak = before;
  const began = performance.now();
  const all = new Promise<number>((resolve) => {
    const turn = () => {
      const now = performance.now();
      const due = Math.min(events, Math.ceil(((now - began) / 1_000) * RATE)) - caller.sent;
      // Never more in flight than the server lets one socket have.
      const n = Math.min(due, 4_000 - (caller.sent - answered));
      if (n > 0) {
        sentAt.fill(now, caller.sent, caller.sent + n);
        caller.send(n);
      }
      if (answered === events && readers.every(({ latencies }) => latencies.length === events)) return resolve(now);
      setTimeout(turn, TURN_MS);
    };
    turn();
  });
  const sampling = setInterval(() => (peak = Math.max(peak, residentMb(server.pid))), 100);
  let ended: number;
  try {
    const late = new Promise<never>((_, reject) =>
      setTimeout(
        () =>
          reject(new Error(`the fast readers stand at ${readers.map(({ latencies }) => latencies.length).join(' ')}`)),
        120_000,
      ).unref(),
    );
    ended = await Promise.race([broken, late, all]);
  } finally {
    clearInterval(sampling);
    caller.close();
    for (const stream of streams)
      stream
        .removeAllListeners()
        .on('error', () => {})
        .destroy();
  }
  await assertStored(server, answered);
  const growth = Math.max(peak, residentMb(server.pid)) - before;
  const latencies = readers.flatMap((reader) => reader.latencies);
  const p50 = quantile(latencies, 0.5);
  const p99 = quantile(latencies, 0.99);
  return {
    checks: [
      {
        what: `memory growth with ${STOPPED} stopped readers of ${FAST + STOPPED}`,
        bound: `≤ ${BOUND_MB} MB`,
        measured: `${figure(growth)} MB`,
        reached: growth <= BOUND_MB,
      },
      {
        what: `events lost by the ${FAST} fast readers beside them`,
        bound: '0',
        measured: String(events * FAST - latencies.length),
        reached: latencies.length === events * FAST,
      },
    ],
    tables: [
      {
        title: `${FAST + STOPPED} SSE readers, ${STOPPED} of which never read`,
        head: ['events', 'events/s', 'RSS before MB', 'RSS peak MB', 'fast readers p50 ms', 'p99 ms'],
        rows: [
          [
            figure(events),
            figure(events / ((ended - began) / 1_000)),
            figure(before),
            figure(peak),
            figure(p50),
            figure(p99),
          ],
        ],
      },
    ],
  };
}
