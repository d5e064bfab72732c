import type { Result, Settings } from './support/benchmark.ts';
import { temporaryDirectory } from './support/directory.ts';
import { HttpLane, httpLoad, postRequest } from './support/http-load.ts';
import { type MeasuredLoad, measureLoad } from './support/measured-load.ts';
import { MESSAGE } from './support/messages.ts';
import { assertStored, startServer } from './support/server.ts';
import { figure, median, ratio } from './support/statistics.ts';

const CONNECTIONS = 16;
const BOUND = 3;
const META = 'io.modelcontextprotocol/';
const MODERN = '2026-07-28';
const OLDER = '2025-11-25';
const ACCEPT = { Accept: 'application/json, text/event-stream' };

const DOORS = ['POST /chat/messages', `tools/call, ${MODERN}`, `tools/call, ${OLDER}`] as const;

/** Begins a session of the older revision and answers its id. */
async function beginSession(port: number): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/mcp`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...ACCEPT },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 0,
      method: 'initialize',
      params: { protocolVersion: OLDER, capabilities: {}, clientInfo: { name: 'bench', version: '1.0.0' } },
    }),
  });
  await response.text();
  const id = response.headers.get('mcp-session-id');
  if (id === null) throw new Error('no session has begun');
  return id;
}

function callOf(port: number, headers: Record<string, string>, meta?: object): Buffer {
  const { from, ...rest } = MESSAGE as { from: string; content: string };
  const params = { name: 'post_message', arguments: { agent: from, ...rest }, ...(meta && { _meta: meta }) };
  return postRequest(port, '/mcp', { jsonrpc: '2.0', id: 1, method: 'tools/call', params }, { ...ACCEPT, ...headers });
}

/** The same post as a call of a tool and as a plain request, to one server. */
export async function mcp({ quick }: Settings): Promise<Result> {
  using directory = temporaryDirectory();
  await using server = await startServer({ dir: directory.path });
  const { port } = server;
  const session = await beginSession(port);
  const requests: Record<(typeof DOORS)[number], Buffer> = {
    [DOORS[0]]: postRequest(port, '/chat/messages', MESSAGE),
    [DOORS[1]]: callOf(
      port,
      { 'Mcp-Protocol-Version': MODERN, 'Mcp-Method': 'tools/call', 'Mcp-Name': 'post_message' },
      {
        [`${META}protocolVersion`]: MODERN,
        [`${META}clientInfo`]: { name: 'bench', version: '1.0.0' },
        [`${META}clientCapabilities`]: {},
      },
    ),
    [DOORS[2]]: callOf(port, { 'Mcp-Protocol-Version': OLDER, 'Mcp-Session-Id': session }),
  } as Record<(typeof DOORS)[number], Buffer>;
  for (const door of DOORS) {
    const lane = await HttpLane.open(port);
    const answer = (await lane.request(requests[door])).toString();
    lane.close();
    if (!answer.includes('"success":true')) throw new Error(`${door}: ${answer}`);
  }
  const ms = quick ? 500 : 800;
  const rounds = quick ? 3 : 11;
  let answered = DOORS.length;
  const run = async (door: (typeof DOORS)[number], forMs: number) => {
    const measured = await measureLoad(server.pid, () => httpLoad(port, requests[door], CONNECTIONS, forMs));
    answered += measured.responses;
    return measured;
  };
  for (const door of DOORS) await run(door, quick ? 500 : 2_000);
  const runs: Record<string, MeasuredLoad>[] = [];
  for (let round = 0; round < rounds; round++) {
    const each: Record<string, MeasuredLoad> = {};
    for (const door of DOORS) each[door] = await run(door, ms);
    runs.push(each);
  }
  await assertStored(server, answered);
  const [plain, ...tools] = DOORS;
  return {
    checks: tools.map((door) => {
      const share = median(runs.map((each) => (each[door] as MeasuredLoad).cpu / (each[plain] as MeasuredLoad).cpu));
      return {
        what: `${door}: CPU of post_message`,
        bound: `≤ ${BOUND}× that of POST /chat/messages`,
        measured: ratio(share),
        reached: share <= BOUND,
      };
    }),
    tables: [
      {
        title: 'A message posted as a call of a tool',
        head: ['door', 'posts/s', 'p50 ms', 'p99 ms', 'CPU µs/post', 'of it main thread'],
        rows: DOORS.map((door) => [
          door,
          ...(['rate', 'p50', 'p99', 'cpu', 'mainCpu'] as const).map((name) =>
            figure(median(runs.map((each) => (each[door] as MeasuredLoad)[name]))),
          ),
        ]),
      },
    ],
  };
}
