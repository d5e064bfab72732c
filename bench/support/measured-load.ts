import type { Load } from './http-load.ts';
import { quantile } from './statistics.ts';
import { cpuTime } from './usage.ts';

/** What a load got, and what it cost the server. */
export interface MeasuredLoad {
  responses: number;
  rate: number;
  p50: number;
  p99: number;
  /** Microseconds of the server's CPU for a request: all threads, and the main thread alone. */
  cpu: number;
  mainCpu: number;
}

/** Runs a load against the server with this process id. */
export async function measureLoad(pid: number, load: () => Promise<Load>): Promise<MeasuredLoad> {
  const before = cpuTime(pid);
  const { responses, rate, latencies } = await load();
  const after = cpuTime(pid);
  return {
    responses,
    rate,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    cpu: (after.all - before.all) / responses,
    mainCpu: (after.mainThread - before.mainThread) / responses,
  };
}
