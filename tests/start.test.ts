import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import packageJson from '../package.json' with { type: 'json' };
import { createLogger } from '../src/logger.ts';
import { openDatabase } from '../src/store/sqlite.ts';
import { temporaryDirectory } from './support/directory.ts';
import type { Json } from './support/node.ts';
import { type ServerProcess, serverProcess } from './support/process.ts';
import { openStream } from './support/sse.ts';
import { openSocket } from './support/ws.ts';

async function post({ url }: ServerProcess, content: string): Promise<void> {
  const response = await fetch(`${url}/chat/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ from: 'ada', content }),
  });
  expect(response.status).toBe(200);
}

async function get({ url }: ServerProcess, path: string): Promise<Json> {
  return (await fetch(url + path)).json();
}

/** What a reader sees of the state, without the moment of asking. */
async function answers(server: ServerProcess): Promise<Json[]> {
  return Promise.all(
    ['/chat/messages?limit=1000', '/chat/channels', '/events?after=earliest', '/snapshot', '/agents'].map((path) =>
      get(server, path),
    ),
  );
}

test('the start says version, address, data, events, doors, and then Ready', async () => {
  using dir = temporaryDirectory();
  {
    await using server = await serverProcess({ dir: dir.path, env: { LOG_LEVEL: 'info' } });
    expect(server.output()).toMatch(
      new RegExp(
        [
          `^reflectt-node ${packageJson.version.replaceAll('.', '\\.')}`,
          `  address   http://127\\.0\\.0\\.1:${server.port}`,
          `  data      ${dir.path} \\(durability always \\(\\w+\\), epoch [0-9a-z]{8}\\)`,
          '  events    0, of which 0 replayed, ready after \\d+ ms',
          '  doors     REST /docs {3}SSE /events {3}WebSocket /ws and /chat/ws {3}MCP /mcp',
          'Ready\\.\n$',
        ].join('\n'),
      ),
    );
    await post(server, 'hello');
  }
  await using again = await serverProcess({ dir: dir.path });
  expect(again.output()).toMatch(/^ {2}events {4}[12], of which [012] replayed/m);
});

test.each(['SIGTERM', 'SIGINT'] as const)('%s ends it in two seconds with 0, whatever is open', async (signal) => {
  using dir = temporaryDirectory();
  await using server = await serverProcess({ dir: dir.path });
  await using stream = await openStream(`${server.url}/events`);
  await using hub = await openSocket(`${server.url}/ws`, { protocol: 'reflectt.v1' });
  await using chat = await openSocket(`${server.url}/chat/ws`);
  await stream.next((frame) => frame.event === 'sync');
  await hub.next((frame) => frame.type === 'hello');
  await chat.next((frame) => frame.type === 'history');
  const poll = fetch(`${server.url}/events?after=now&wait=60`).then(
    (response) => response.status,
    () => 'ended',
  );
  await expect.poll(() => get(server, '/health').then(({ status }: Json) => status)).toBe('ok');

  const began = performance.now();
  const code = await server.end(signal);
  expect(performance.now() - began).toBeLessThan(2_000);
  expect(code).toBe(0);
  expect((await stream.next((frame) => frame.event === 'bye')).data.reason).toBe(
    signal === 'SIGTERM' ? 'restart' : 'shutdown',
  );
  expect((await hub.closed).code).toBe(signal === 'SIGTERM' ? 1012 : 1001);
  expect((await chat.closed).code).toBe(signal === 'SIGTERM' ? 1012 : 1001);
  await poll;
});

test('a port that is in use is named', async () => {
  using dir = temporaryDirectory();
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  try {
    await expect(serverProcess({ dir: dir.path, env: { PORT: String(port) } })).rejects.toThrow(
      `ended with 1:\nPort ${port} is in use. Stop the other process, or set PORT.`,
    );
  } finally {
    other.close();
  }
});

test('a second process on the same data is refused and told who has it', async () => {
  using dir = temporaryDirectory();
  await using first = await serverProcess({ dir: dir.path });
  await expect(serverProcess({ dir: dir.path })).rejects.toThrow(
    `The data directory ${dir.path} is in use by process ${first.child.pid}`,
  );
});

test('the log is one JSON object a line where it is not on a terminal', async () => {
  using dir = temporaryDirectory();
  await using server = await serverProcess({ dir: dir.path, env: { LOG_LEVEL: 'debug' } });
  await fetch(`${server.url}/health?ticket=secret-1`, {
    headers: { authorization: 'Bearer secret-2', cookie: 'a=secret-3' },
  });
  await expect.poll(() => server.output()).toContain('"request"');
  const lines = server.output().split('\nReady.\n')[1]?.trim().split('\n') ?? [];
  for (const line of lines) expect(() => JSON.parse(line)).not.toThrow();
  expect(lines.map((line) => JSON.parse(line)).find(({ msg }: Json) => msg === 'request')).toMatchObject({
    method: 'GET',
    url: '/health?ticket=[redacted]',
    status: 200,
  });
  expect(server.output()).not.toContain('secret-');
});

test('secrets do not reach the log, wherever they are', () => {
  let text = '';
  const logger = createLogger('info', { write: (line) => void (text += line) });
  const headers = { authorization: 's-1', cookie: 's-2', 'sec-websocket-protocol': 's-3', accept: 'text/html' };
  logger.info({ headers }, 'a');
  logger.info({ req: { headers } }, 'b');
  logger.info({ ...headers, token: 's-4', ticket: 's-5' }, 'c');
  logger.info({ url: '/ws?agent=ada&token=s-6&x=1' }, 'd');
  expect(text).not.toMatch(/s-\d/);
  expect(text).toContain('text/html');
  expect(text).toContain('&x=1');
});

const HARMS: [what: string, said: RegExp, harm: (file: string) => void][] = [
  ['that was deleted', /there is none/, (file) => removeIndex(file)],
  [
    'that is not a database',
    /it is damaged/,
    (file) => {
      removeIndex(file);
      writeFileSync(file, 'not a database'.repeat(1_000));
    },
  ],
  [
    'of another layout',
    /its layout is of another version/,
    (file) => {
      const database = openDatabase(file);
      database.exec("UPDATE meta SET value = 'older' WHERE key = 'fingerprint'");
      database.close();
    },
  ],
];

function removeIndex(file: string): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true });
}

test.each(HARMS)('an index %s is made anew, with the same answers', async (_, said, harm) => {
  using dir = temporaryDirectory();
  let before: Json[];
  {
    await using server = await serverProcess({ dir: dir.path });
    for (let i = 0; i < 20; i++) await post(server, `message ${i}`);
    before = await answers(server);
    await server.end();
  }
  harm(join(dir.path, 'index.sqlite'));
  await using server = await serverProcess({ dir: dir.path });
  expect(server.output()).toMatch(new RegExp(`^  mended    index: made anew, because .*${said.source}`, 'm'));
  // The messages, and that their author is at work.
  expect(server.output()).toMatch(/of which 21 replayed/);
  expect(await answers(server)).toEqual(before);
});
