import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { recover } from '../../src/kernel/journal/recovery.ts';
import { temporaryDirectory } from '../support/directory.ts';
import type { Json } from '../support/node.ts';
import { serverProcess } from '../support/process.ts';
import { allEvents, audit } from './audit.ts';
import { append, command, fresh, openJournal, readAll } from './support.ts';
import { post, startWriters } from './writers.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Runs `npm run journal -- …` without npm. */
function journalTool(data: string, ...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/cli/journal/main.ts', '--data', data, ...args], {
    cwd: ROOT,
    env: { PATH: process.env.PATH },
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk) => (out += chunk));
  child.stderr.on('data', (chunk) => (err += chunk));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, out, err })));
}

async function made(data: string, sizes = Array(14).fill(1)): Promise<string> {
  const dir = join(data, 'journal');
  const journal = await openJournal(dir, 800);
  await append(journal, sizes);
  await journal.close();
  return dir;
}

const segmentsOf = (dir: string) =>
  readdirSync(dir)
    .filter((name) => name.endsWith('.jsonl'))
    .sort();

describe('the journal tool', () => {
  test('package.json has it under the name that refusals tell', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    expect(scripts.journal).toBe('tsx src/cli/journal/main.ts');
  });

  test('verifies, prints the last events, and exports all of them without what is private to the journal', async () => {
    using temp = temporaryDirectory();
    await made(temp.path);
    expect(await journalTool(temp.path, 'verify')).toMatchObject({
      code: 0,
      out: expect.stringContaining('14 events'),
    });
    const tail = await journalTool(temp.path, 'tail', '-n', '5');
    expect(
      tail.out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).seq),
    ).toEqual([10, 11, 12, 13, 14]);
    const file = join(temp.path, 'events.jsonl');
    expect((await journalTool(temp.path, 'export', file)).code).toBe(0);
    const lines = readFileSync(file, 'utf8').trim().split('\n');
    expect(lines).toEqual(Array.from({ length: 14 }, (_, i) => command(i)[0]?.frame));
    expect((await journalTool(temp.path, 'export')).out).toBe(readFileSync(file, 'utf8'));
  }, 60_000);

  test('repairs what a start refuses: whole records before the damage stay, the rest is in quarantine, a new epoch begins', async () => {
    using temp = temporaryDirectory();
    const dir = await made(temp.path);
    const names = segmentsOf(dir);
    expect(names.length).toBeGreaterThan(2);
    const file = join(dir, names[1] as string);
    const damaged = readFileSync(file);
    // The second record of the second segment.
    const at = damaged.indexOf(0x0a, damaged.indexOf(0x0a, damaged.indexOf(0x0a) + 1) - 1) + 20;
    damaged[at] = (damaged[at] as number) ^ 1;
    writeFileSync(file, damaged);
    expect(() => recover(dir, fresh)).toThrow(/npm run journal -- repair --quarantine/);
    expect((await journalTool(temp.path, 'verify')).code).toBe(1);

    const asked = await journalTool(temp.path, 'repair');
    expect(asked.code).toBe(1);
    expect(readFileSync(file).equals(damaged)).toBe(true);

    const repaired = await journalTool(temp.path, 'repair', '--quarantine');
    expect(repaired).toMatchObject({ code: 0, err: '' });
    const [kept = ''] = readdirSync(join(temp.path, 'quarantine'));
    expect(readFileSync(join(temp.path, 'quarantine', kept, names[1] as string)).equals(damaged)).toBe(true);
    const journal = await openJournal(dir, 800);
    expect(journal.epoch).not.toBe('first');
    const records = await readAll(journal);
    expect(records.length).toBeGreaterThanOrEqual(Number(names[1]?.slice(0, 20)) - 1);
    expect(records.length).toBeLessThan(14);
    expect(records.map(({ line }) => line)).toEqual(records.map((_, i) => command(i)[0]?.line));
    await append(journal, [1, 3]);
    await journal.close();
    expect((await journalTool(temp.path, 'repair', '--quarantine')).out).toContain('Nothing to repair');
  }, 60_000);

  test('repairs a journal whose manifest is gone without losing a record', async () => {
    using temp = temporaryDirectory();
    const dir = await made(temp.path);
    rmSync(join(dir, 'manifest.json'));
    expect((await journalTool(temp.path, 'repair', '--quarantine')).code).toBe(0);
    const journal = await openJournal(dir);
    expect((await readAll(journal)).length).toBe(14);
    await journal.close();
  }, 60_000);

  test('a replacement that was killed between its two renames is finished by the next start', async () => {
    using temp = temporaryDirectory();
    const dir = await made(temp.path);
    renameSync(dir, `${dir}.next`);
    const journal = await openJournal(dir);
    expect(journal.durable).toBe(14);
    expect(existsSync(`${dir}.next`)).toBe(false);
    await journal.close();
  });

  test('backs up while a server writes; restoring gives every event of the copy under a new epoch, and only to a stopped server', async () => {
    using temp = temporaryDirectory();
    const data = join(temp.path, 'data');
    const copy = join(temp.path, 'copy');
    mkdirSync(data);
    await using server = await serverProcess({ dir: data, env: { SEGMENT_MIB: '1' } });
    const { written, done } = startWriters(server.url, 'backup');
    while (written.acknowledged.length < 100) await new Promise((resolve) => setTimeout(resolve, 1));
    const before = [...written.acknowledged];
    const backup = await journalTool(data, 'backup', copy);
    expect(backup).toMatchObject({ code: 0, err: '' });
    expect((await journalTool(data, 'backup', copy)).code).toBe(1);
    for (const refused of [
      ['restore', copy],
      ['repair', '--quarantine'],
    ]) {
      const answer = await journalTool(data, ...refused);
      expect(answer.code).toBe(1);
      expect(answer.err).toContain(`in use by process ${server.child.pid}`);
    }
    const epoch = ((await (await fetch(`${server.url}/health`)).json()) as Json).journal.epoch;
    await server.end('SIGKILL');
    await done;

    expect(await journalTool(data, 'restore', copy)).toMatchObject({ code: 0, err: '' });
    await using again = await serverProcess({ dir: data });
    // What was acknowledged before the backup began is in it.
    expect(await audit(again.url, before)).toEqual([]);
    expect(`${(await allEvents(again.url)).length}`).toBe(/Copied (\d+) events/.exec(backup.out)?.[1]);
    const health = (await (await fetch(`${again.url}/health`)).json()) as Json;
    expect(health.journal.epoch).not.toBe(epoch);
    expect((await fetch(`${again.url}/events?after=${epoch}-1`)).status).toBe(410);
    expect((await post(again.url, 0, 'after rest 0 0')).status).toBe(200);
  }, 60_000);
});

test('an index that is ahead of the journal is refused, because acknowledged records are gone; repair begins a new epoch', async () => {
  using temp = temporaryDirectory();
  await using server = await serverProcess({ dir: temp.path });
  const { seq } = await post(server.url, 0, 'first rest 0 0');
  // A list is read from the index, so it holds the message then.
  expect((await fetch(`${server.url}/chat/messages`)).status).toBe(200);
  await server.end('SIGKILL');
  const dir = join(temp.path, 'journal');
  const file = join(dir, readdirSync(dir).find((name) => name.endsWith('.jsonl')) as string);
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  const at = lines.findIndex((line) => JSON.parse(line).seq === seq);
  writeFileSync(
    file,
    lines
      .slice(0, at)
      .map((line) => `${line}\n`)
      .join(''),
  );
  await expect(serverProcess({ dir: temp.path })).rejects.toThrow(
    /ended with 1[\s\S]*acknowledged records are gone[\s\S]*repair --quarantine/,
  );

  expect(await journalTool(temp.path, 'repair', '--quarantine')).toMatchObject({ code: 0, err: '' });
  await using again = await serverProcess({ dir: temp.path });
  expect((await post(again.url, 0, 'again rest 0 0')).seq).toBe(seq);
}, 60_000);
