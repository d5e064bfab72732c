import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../support/directory.ts';
import { serverProcess } from '../support/process.ts';
import { post } from './writers.ts';

test('a second process on one data directory is refused and told who has it; a killed one leaves no lock', async () => {
  using temp = temporaryDirectory();
  await using server = await serverProcess({ dir: temp.path });
  const second = serverProcess({ dir: temp.path });
  await expect(second).rejects.toThrow(new RegExp(`ended with 1[\\s\\S]*in use by process ${server.child.pid}`));
  expect((await fetch(`${server.url}/health`)).status).toBe(200);
  await server.end('SIGKILL');
  await using third = await serverProcess({ dir: temp.path });
  expect((await fetch(`${third.url}/health`)).status).toBe(200);
});

test('DURABILITY=interval is said in /health', async () => {
  using temp = temporaryDirectory();
  await using server = await serverProcess({ dir: temp.path, env: { DURABILITY: 'interval:250' } });
  const health = (await (await fetch(`${server.url}/health`)).json()) as { journal: { durability: string } };
  expect(health.journal.durability).toBe('interval:250 (a power cut may take the last 250 ms)');
});

test('an index that is ahead of the journal is refused: acknowledged records are gone', async () => {
  using temp = temporaryDirectory();
  await using server = await serverProcess({ dir: temp.path });
  const { seq } = await post(server.url, 0, 'first rest 0 0');
  // A list is read from the index, so it holds the message then.
  expect((await fetch(`${server.url}/chat/messages`)).status).toBe(200);
  await server.end('SIGKILL');
  const dir = join(temp.path, 'journal');
  const file = join(dir, readdirSync(dir).find((name) => name.endsWith('.jsonl')) as string);
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  expect(JSON.parse(lines.at(-1) as string).seq).toBe(seq);
  writeFileSync(
    file,
    lines
      .slice(0, -1)
      .map((line) => `${line}\n`)
      .join(''),
  );
  await expect(serverProcess({ dir: temp.path })).rejects.toThrow(/ended with 1[\s\S]*acknowledged records are gone/);
});
