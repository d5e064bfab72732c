import { spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { capabilities } from '../src/capabilities/index.ts';
import type { Capability } from '../src/kernel/capability.ts';
import { temporaryDirectory } from './support/directory.ts';
import { testNode } from './support/node.ts';
import { ROOT, readText } from './support/source.ts';
import { openSocket } from './support/ws.ts';

/** The two files that ARCHITECTURE.md shows, as they would be in `src/capabilities/notes`. */
function example(): [name: string, text: string][] {
  const blocks = [
    ...readText('ARCHITECTURE.md').matchAll(
      /`src\/capabilities\/notes\/([\w.]+)`:[^\n]*\n\n {3}```ts\n([\s\S]*?)\n {3}```/g,
    ),
  ];
  return blocks.map(([, name = '', text = '']) => [name, text.replace(/^ {3}/gm, '')]);
}

/** What the compiler complains about. */
function compile(folder: string): string {
  return spawnSync(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', folder], {
    encoding: 'utf8',
  }).stdout;
}

test('the capability that ARCHITECTURE.md adds compiles, and is on every door', async () => {
  using dir = temporaryDirectory();
  const folder = join(dir.path, 'src/capabilities/notes');
  mkdirSync(folder, { recursive: true });
  for (const path of ['node_modules', 'src/kernel', 'package.json'])
    symlinkSync(join(ROOT, path), join(dir.path, path));
  const files = example();
  expect(files.map(([name]) => name)).toEqual(['state.ts', 'index.ts']);
  for (const [name, text] of files) writeFileSync(join(folder, name), text);
  const settings = JSON.parse(readText('tsconfig.json')) as object;
  writeFileSync(join(dir.path, 'tsconfig.json'), JSON.stringify({ ...settings, include: ['src/capabilities'] }));
  expect(compile(dir.path)).toBe('');

  const { notes } = (await import(pathToFileURL(join(folder, 'index.ts')).href)) as { notes: Capability };
  await using server = await testNode({ capabilities: [...capabilities, notes] });
  const written = await server.send('POST', '/notes', { by: 'ada', text: 'tests are documents' });
  expect(written.body).toMatchObject({ success: true, note: { by: 'ada', text: 'tests are documents' } });
  expect((await server.get('/notes')).body.notes).toEqual([written.body.note]);
  expect((await server.get('/events?after=earliest&topics=note')).body.events[0].type).toBe('note_written');
  expect((await server.get('/openapi.json')).body.paths).toHaveProperty('/notes');
  await using hub = await openSocket(`${server.url}/ws?agent=grace`, { protocol: 'reflectt.v1' });
  hub.send({ type: 'call', id: 1, op: 'notes.write', input: { text: 'and the other way round' } });
  expect(await hub.next((frame) => frame.type === 'result')).toMatchObject({
    ok: true,
    result: { note: { by: 'grace' } },
  });
});
