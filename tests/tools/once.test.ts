import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../support/directory.ts';
import { client } from '../support/node.ts';
import { serverProcess } from '../support/process.ts';
import { addTool, processesOf, type ToolFolder, type ToolNode, toolFolder, toolNode, until } from '../support/tools.ts';

/** Adds a line to a file for each run, and waits until a file `go` is there where it is asked to. */
const COUNTS = `import fs from 'node:fs';
export default async ({ wait, size = 1 }, ctx) => {
  fs.appendFileSync(ctx.resolvePath('runs.txt'), 'run\\n');
  while (wait && !ctx.fileExists('go')) await new Promise((resolve) => setTimeout(resolve, 10));
  return 'x'.repeat(size);
};`;

function runs({ dir }: { dir: string }): number {
  try {
    return readFileSync(join(dir, 'spaces/agents/kai/runs.txt'), 'utf8').split('\n').length - 1;
  } catch {
    return 0;
  }
}

function counting(): ToolFolder {
  const folder = toolFolder();
  addTool(folder, 'counts', COUNTS);
  addTool(folder, 'fails', 'export default async () => { throw new Error(String(process.pid)); };');
  addTool(folder, 'go', "export default (_, ctx) => ctx.writeText('go', '');");
  return folder;
}

const key = (value: string) => ({ 'idempotency-key': value });

test('a key runs a tool once: the answer of then, also of a failure, also after a restart', async () => {
  using folder = counting();
  using dir = temporaryDirectory();
  let failure: unknown;
  {
    await using server = await toolNode(folder, { dir: dir.path });
    const first = await server.call('counts', {}, {}, key('a'));
    const again = await server.call('counts', {}, {}, key('a'));
    expect(again.body).toEqual(first.body);
    expect(again.headers.get('idempotent-replay')).toBe('true');
    expect(again.headers.get('x-seq')).toBe(first.headers.get('x-seq'));
    failure = (await server.call('fails', {}, {}, key('b'))).body;
    expect((await server.call('fails', {}, {}, key('b'))).body).toEqual(failure);
    expect((await server.call('counts', { size: 2 }, {}, key('a'))).body.code).toBe('idempotency_key_reused');
    expect(runs(server)).toBe(1);
  }
  await using server = await toolNode(folder, { dir: dir.path });
  expect((await server.call('counts', {}, {}, key('a'))).body).toMatchObject({ success: true, result: 'x' });
  expect((await server.call('fails', {}, {}, key('b'))).body).toEqual(failure);
  expect(runs(server)).toBe(1);
  const { events } = (await server.get('/events?after=earliest&types=tool_*')).body;
  expect(events.map(({ type }: { type: string }) => type)).toEqual(['tool_called', 'tool_failed']);
  expect(JSON.stringify(events)).not.toContain('"done"');
});

test('requests with one key that come while it runs wait for it', async () => {
  using folder = counting();
  await using server = await toolNode(folder);
  const calls = Array.from({ length: 5 }, () => server.call('counts', { wait: true }, {}, key('a')));
  await until(
    () => runs(server),
    (n) => n === 1,
  );
  expect((await server.call('counts', {}, {}, key('a'))).body.code).toBe('idempotency_key_reused');
  await server.call('go');
  const answers = await Promise.all(calls);
  expect(answers.map(({ body }) => body.result)).toEqual(['x', 'x', 'x', 'x', 'x']);
  expect(answers.filter(({ headers }) => headers.has('idempotent-replay'))).toHaveLength(4);
  expect(runs(server)).toBe(1);
});

test('what was refused may be sent again with the same key', async () => {
  using folder = counting();
  addTool(folder, 'later', 'export default () => 1;', { required_env: ['NO_SUCH_KEY'] });
  await using server = await toolNode(folder);
  expect((await server.call('later', {}, {}, key('a'))).status).toBe(409);
  addTool(folder, 'later', "export default () => 'now';");
  await until(
    async () => (await server.call('later', {}, {}, key('a'))).body,
    ({ result }) => result === 'now',
  );
});

test('a result that is too large to be kept is not shown again, and is not made again', async () => {
  using folder = counting();
  await using server = await toolNode(folder);
  const first = await server.call('counts', { size: 100_000 }, {}, key('a'));
  expect(first.body.result).toHaveLength(100_000);
  const again = await server.call('counts', { size: 100_000 }, {}, key('a'));
  expect(again).toMatchObject({ status: 410, body: { code: 'result_not_kept' } });
  expect(runs(server)).toBe(1);
});

test('a server that stops ends what runs, answers it, and writes it down', async () => {
  using folder = counting();
  using dir = temporaryDirectory();
  let answers: Promise<unknown[]>;
  {
    await using server: ToolNode = await toolNode(folder, { dir: dir.path });
    const calls = Array.from({ length: 12 }, (_, n) => server.call('counts', { wait: true }, {}, key(`${n}`)));
    answers = Promise.all(calls.map((call) => call.then(({ body }) => body.error.code)));
    await until(
      () => runs(server),
      (n) => n === 8,
    );
  }
  expect(await answers).toEqual(Array(12).fill('stopped'));
  expect(processesOf(dir.path)).toEqual([]);
  await using server = await toolNode(folder, { dir: dir.path });
  const { events } = (await server.get('/events?after=earliest&types=tool_failed')).body;
  expect(events).toHaveLength(12);
  expect((await server.call('counts', { wait: true }, {}, key('3'))).body.error.code).toBe('stopped');
});

test('a process of the server that ends leaves no process of a tool, whichever way it ends', async () => {
  using folder = counting();
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    using dir = temporaryDirectory();
    await using server = await serverProcess({ dir: dir.path, env: { TOOLS_DIR: folder.path } });
    const call = client(server.url)
      .send('POST', '/tools/counts/call', { agent: 'kai', input: { wait: true } })
      .catch(() => undefined);
    await until(
      () => runs({ dir: dir.path }),
      (n) => n === 1,
    );
    await server.end(signal);
    await call;
    await until(
      () => processesOf(dir.path),
      (left) => left.length === 0,
    );
  }
});
