import { execFile } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openDatabase } from '../src/store/sqlite.ts';
import { temporaryDirectory } from './support/directory.ts';
import { testNode } from './support/node.ts';

/** Runs `npm run export:sqlite -- …` of a data directory. */
function run(data: string, ...words: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const args = ['--import', 'tsx', 'src/cli/export/main.ts', ...words];
    const env = { PATH: process.env.PATH, DATA_DIR: data };
    execFile(process.execPath, args, { env, timeout: 60_000 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}

function ask(file: string, sql: string): unknown[] {
  const database = openDatabase(file, { readOnly: true });
  try {
    return database.prepare(sql).all();
  } finally {
    database.close();
  }
}

const FOUND =
  "SELECT m.content FROM messages_fts f JOIN messages m ON m.seq = f.rowid WHERE messages_fts MATCH 'creme' ORDER BY rank";

test('a file for people who want SQL: from a running server and from a stopped one, whole and without what is private', async () => {
  using temp = temporaryDirectory();
  const data = join(temp.path, 'data');
  const at = (name: string) => join(temp.path, name);
  {
    await using server = await testNode({ dir: temp.path, env: { DATA_DIR: data } });
    await server.post('link', 'Crème brûlée for all');
    const { id } = await server.post('link', 'creme that was deleted');
    await server.send('DELETE', `/chat/messages/${id}`, { from: 'link' });
    await server.post('alice', 'creme for you alone', { to: 'bob' });
    await server.send('POST', '/tasks', { title: 'Buy creme', createdBy: 'kai', tags: ['food'] });
    await server.send('POST', '/memories', { agent: 'kai', content: 'creme is eaten cold' });
    await server.send('POST', '/memories', { agent: 'kai', content: 'creme is mine', scope: 'agent' });
    // What is exported is what the index holds.
    await server.get('/search?q=creme');
    const { code, stdout, stderr } = await run(data, at('running.db'));
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/1 messages, 1 tasks, 1 memories, up to event \d+\.\n2 private rows were left out/);
  }
  expect((await run(data, at('stopped.db'), '--private')).stdout).toMatch(/2 messages, 1 tasks, 2 memories/);

  const open = at('running.db');
  expect(ask(open, FOUND)).toEqual([{ content: 'Crème brûlée for all' }]);
  expect(ask(open, 'SELECT title, tags, status FROM tasks')).toEqual([
    { title: 'Buy creme', tags: '["food"]', status: 'todo' },
  ]);
  expect(ask(open, "SELECT rowid FROM tasks_fts WHERE tasks_fts MATCH 'creme'")).toEqual([{ rowid: 1 }]);
  expect(ask(open, 'SELECT agent, scope, content FROM memories')).toEqual([
    { agent: 'kai', scope: 'team', content: 'creme is eaten cold' },
  ]);
  expect(ask(open, "SELECT value FROM about WHERE key = 'private'")).toEqual([
    { value: 'direct messages and memories of agents are left out' },
  ]);
  expect(JSON.stringify(ask(open, 'SELECT sql FROM sqlite_master'))).toContain('the event that posted it');
  expect(ask(at('stopped.db'), FOUND)).toHaveLength(2);
  expect(ask(at('stopped.db'), 'SELECT count(*) AS n FROM memories_fts')).toEqual([{ n: 2 }]);
});

test('nothing is overwritten, and what cannot be read is said in words', async () => {
  using temp = temporaryDirectory();
  const file = join(temp.path, 'export.db');
  const none = await run(join(temp.path, 'none'), file);
  expect([none.code, none.stderr]).toEqual([1, expect.stringContaining('Start the server once, or set DATA_DIR')]);
  {
    await using server = await testNode({ dir: temp.path });
    await server.post('link', 'hello');
  }
  writeFileSync(file, 'precious');
  const there = await run(temp.path, file);
  expect([there.code, there.stderr]).toEqual([1, expect.stringContaining('is there already')]);
  const absent = await run(temp.path, join(temp.path, 'absent', 'export.db'));
  expect([absent.code, absent.stderr]).toEqual([1, expect.stringContaining('unable to open database file')]);
  for (const suffix of ['', '-wal'])
    writeFileSync(join(temp.path, `index.sqlite${suffix}`), 'no database'.repeat(1_000));
  const damaged = await run(temp.path, join(temp.path, 'other.db'));
  expect([damaged.code, damaged.stderr]).toEqual([1, expect.stringMatching(/cannot be read: .*delete it and start/)]);
  expect(existsSync(join(temp.path, 'other.db'))).toBe(false);
  expect(readdirSync(temp.path).filter((name) => name.includes('partial'))).toEqual([]);
});
