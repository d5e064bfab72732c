import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from './support/directory.ts';
import { type Block, blocksOf, difference, openShell, pattern } from './support/documents.ts';
import { type ServerProcess, serverProcess } from './support/process.ts';
import { filesBelow, ROOT, readText } from './support/source.ts';

const START = /\bnpm run dev\b/;

/** Settings that stand before the command that starts the server: `TOOLS_DIR=./tools npm run dev`. */
function settingsIn(command: string): Record<string, string> {
  const before = /((?:\w+=\S+\s+)*)npm run dev/.exec(command)?.[1] ?? '';
  return Object.fromEntries([...before.matchAll(/(\w+)=(\S+)/g)].map(([, name = '', value = '']) => [name, value]));
}

function check(shown: Block, output: string): void {
  if (shown.language === 'json') expect(difference(JSON.parse(shown.text), JSON.parse(output)), output).toBeUndefined();
  else expect(output.replaceAll('\r', '').trim()).toMatch(pattern(shown.text));
}

/** Runs a page's blocks as a reader would, on a free port and in an empty directory. */
async function follow(page: string): Promise<number> {
  using dir = temporaryDirectory();
  let server: ServerProcess | undefined;
  const blocks = blocksOf(readText(page));
  let ran = 0;
  await using shell = openShell({ DATA_DIR: dir.path });
  try {
    for (const [i, block] of blocks.entries()) {
      if (block.language !== 'sh') continue;
      const port: number | undefined = server?.port;
      let output: string;
      if (START.test(block.text)) {
        await server?.end('SIGKILL');
        const own: Record<string, string> = port === undefined ? {} : { PORT: String(port) };
        server = await serverProcess({ dir: dir.path, env: { ...own, ...settingsIn(block.text) } });
        output = server.output().replaceAll(String(server.port), '4445');
      } else {
        const done = await shell.run(block.text.replaceAll('4445', String(port)));
        // 28 is curl's own time limit, by which a page ends a stream.
        expect([0, 28], `${block.text}\n${done.output}`).toContain(done.status);
        output = done.output;
      }
      ran++;
      const next = blocks[i + 1];
      if (next !== undefined && next.language !== 'sh') check(next, output);
    }
  } finally {
    await server?.end('SIGKILL');
  }
  return ran;
}

test('README does what it says', async () => {
  expect(await follow('README.md')).toBe(3);
});

test('QUICKSTART does what it says, over a kill -9', async () => {
  expect(await follow('QUICKSTART.md')).toBe(12);
});

test('the guide to tasks does what it says', async () => {
  expect(await follow('docs/guides/tasks.md')).toBe(7);
});

test('the guide to waking up does what it says', async () => {
  expect(await follow('docs/guides/waking-up.md')).toBe(4);
});

test('the guide to reservations does what it says', async () => {
  expect(await follow('docs/guides/reservations.md')).toBe(5);
});

test('the guide to agents does what it says', async () => {
  expect(await follow('docs/guides/agents.md')).toBe(6);
});

test('the guide to the client does what it says', { timeout: 120_000 }, async () => {
  expect(await follow('docs/guides/client.md')).toBe(6);
});

test('the guide to memory does what it says', async () => {
  expect(await follow('docs/guides/memory.md')).toBe(7);
});

test('the guide to search by meaning does what it says, with the model that is shipped', {
  timeout: 120_000,
}, async () => {
  expect(await follow('docs/guides/search-by-meaning.md')).toBe(4);
});

test('the guide to searching does what it says', async () => {
  expect(await follow('docs/guides/search.md')).toBe(4);
});

test('the guide to tools does what it says', async () => {
  expect(await follow('docs/guides/tools.md')).toBe(6);
});

test('every block of these is a command or what it prints', () => {
  for (const page of [
    'README.md',
    'QUICKSTART.md',
    'docs/guides/tasks.md',
    'docs/guides/waking-up.md',
    'docs/guides/reservations.md',
    'docs/guides/agents.md',
    'docs/guides/memory.md',
    'docs/guides/search-by-meaning.md',
    'docs/guides/search.md',
    'docs/guides/client.md',
    'docs/guides/tools.md',
  ])
    for (const { language } of blocksOf(readText(page))) expect(['sh', 'json', 'text'], page).toContain(language);
});

test('every script that a page names is there', () => {
  const { scripts } = JSON.parse(readText('package.json')) as { scripts: Record<string, string> };
  for (const page of ['README.md', 'QUICKSTART.md', 'ARCHITECTURE.md', 'docs/guides/tasks.md'])
    for (const [, name = ''] of readText(page).matchAll(/npm run ([a-z:]+)/g))
      expect(scripts, page).toHaveProperty([name]);
});

test('every link between pages leads to a file', () => {
  const pages = [
    'README.md',
    'QUICKSTART.md',
    'ARCHITECTURE.md',
    ...filesBelow('docs').filter((path) => path.endsWith('.md')),
  ];
  const dead = pages.flatMap((page) =>
    [...readText(page).matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)]
      .map(([, target = '']) => join(dirname(page), target))
      .filter((target) => !existsSync(join(ROOT, target)))
      .map((target) => `${page} → ${target}`),
  );
  expect(dead).toEqual([]);
});
