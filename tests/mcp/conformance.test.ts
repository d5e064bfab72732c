import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../support/directory.ts';
import { testNode } from '../support/node.ts';
import { ROOT } from '../support/source.ts';

const FOLDER = join(ROOT, 'tests/conformance');
const RUNNER = join(FOLDER, 'node_modules/@modelcontextprotocol/conformance/dist/index.js');
/** The suite needs a newer Node than the server: one of a package, or the one that runs this where it is new enough. */
const NODES = [
  join(FOLDER, `node_modules/node-${process.platform}-${process.arch}/bin/node`),
  ...(Number(process.versions.node.split('.')[0]) >= 22 ? [process.execPath] : []),
];
const node = NODES.find((path) => existsSync(path));
const installed = node !== undefined && existsSync(RUNNER);

/** What the suite says of each scenario, and how it ended. */
function run(url: string, revision: string, cwd: string): Promise<{ status: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(node as string, [RUNNER, 'server', '--url', url, '--requirements', revision], { cwd });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (output += text.toString()));
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, output }));
  });
}

// `npm ci --prefix tests/conformance` brings the suite; where the checks of the repository run, it must be there.
test.skipIf(!installed && !process.env.CI).each([
  ['2026-07-28', 37],
  ['2025-11-25', 30],
] as const)(
  'every scenario that revision %s requires passes',
  async (revision, required) => {
    expect(installed, 'the suite is not installed: npm ci --prefix tests/conformance').toBe(true);
    using directory = temporaryDirectory();
    await using server = await testNode({ env: { MCP_CONFORMANCE: '1' } });
    const { status, output } = await run(`${server.url}/mcp`, revision, directory.path);
    const [, summary = '', unscored = ''] = /=== SUMMARY ===([\s\S]*?)Not scored for ([\s\S]*)/.exec(output) ?? [];
    const optional = new Set([...unscored.matchAll(/^ +[✓✗] (\S+)/gm)].map(([, name]) => name));
    const scenarios = [...summary.matchAll(/^([✓✗]) (\S+): (\d+) passed, (\d+) failed/gm)]
      .map(([, mark, name]) => ({ name: name as string, passed: mark === '✓' }))
      .filter(({ name }) => !optional.has(name));
    expect(
      scenarios.filter(({ passed }) => !passed).map(({ name }) => name),
      output.slice(-4_000),
    ).toEqual([]);
    expect(scenarios.length).toBeGreaterThanOrEqual(required);
    expect(status).toBe(0);
  },
  180_000,
);
