import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { activity } from './activity.ts';
import { append } from './append.ts';
import { fanout } from './fanout.ts';
import { inbox } from './inbox.ts';
import { mcp } from './mcp.ts';
import { meaning } from './meaning.ts';
import { page } from './page.ts';
import { post } from './post.ts';
import { restart } from './restart.ts';
import { search } from './search.ts';
import { slow } from './slow.ts';
import type { Benchmark, Result } from './support/benchmark.ts';
import { writeDocument } from './support/document.ts';
import { Histories } from './support/history.ts';
import { machine } from './support/machine.ts';
import { printResult } from './support/print.ts';
import { tasks } from './tasks.ts';
import { ws } from './ws.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const BENCHMARKS: Record<string, Benchmark> = {
  append,
  post,
  ws,
  mcp,
  fanout,
  slow,
  page,
  restart,
  tasks,
  activity,
  inbox,
  search,
};

/** What is measured for itself: it needs the model, and its figures are a part of the page of their own. */
const APART: Record<string, Benchmark> = { meaning };

function readArguments(): { quick: boolean; names: string[] } {
  const given = process.argv.slice(2);
  const names = given.filter((argument) => argument !== '--quick');
  const unknown = names.filter((name) => !(name in BENCHMARKS || name in APART));
  if (unknown.length > 0)
    throw new Error(
      `unknown: ${unknown.join(' ')}; there are ${[...Object.keys(BENCHMARKS), ...Object.keys(APART)].join(' ')} and --quick`,
    );
  return { quick: given.includes('--quick'), names: names.length > 0 ? names : Object.keys(BENCHMARKS) };
}

function build(project: string): void {
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', project], { cwd: ROOT, stdio: 'inherit' });
}

async function main(): Promise<void> {
  const { quick, names } = readArguments();
  build('tsconfig.build.json');
  build('bench/bare/tsconfig.json');
  const about = machine();
  const results: [string, Result][] = [];
  using histories = new Histories();
  for (const name of names) {
    const began = performance.now();
    const result = await ((BENCHMARKS[name] ?? APART[name]) as Benchmark)({ quick, histories });
    results.push([name, result]);
    printResult(name, result, performance.now() - began);
  }
  const missed = results.flatMap(([, { checks }]) => checks).filter(({ reached }) => !reached);
  process.stdout.write(
    missed.length === 0 ? '\nEvery bound is reached.\n' : `\n${missed.length} bounds are NOT reached.\n`,
  );
  const apart = names.every((name) => name in APART);
  if (quick || (!apart && names.length < Object.keys(BENCHMARKS).length)) return;
  writeDocument(
    apart ? 'search' : 'bench',
    about,
    results.map(([, result]) => result),
  );
  process.stdout.write('docs/benchmarks.md is written.\n');
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
await main();
