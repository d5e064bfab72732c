import { readFileSync, writeFileSync } from 'node:fs';
import type { Result } from './benchmark.ts';

const FILE = new URL('../../docs/benchmarks.md', import.meta.url);
const BEGIN = '<!-- figures: written by npm run bench -->';
const END = '<!-- end of figures -->';

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

/** Puts the figures into docs/benchmarks.md and leaves its prose as it is. */
export function writeDocument(machine: readonly [string, string][], results: readonly Result[]): void {
  const parts = [
    `Measured on ${new Date().toISOString().slice(0, 10)}.`,
    table(['machine', ''], machine),
    '## Bounds',
    table(
      ['what', 'bound', 'measured', ''],
      results.flatMap(({ checks }) =>
        checks.map(({ what, bound, measured, reached }) => [
          what,
          bound,
          measured,
          reached ? 'reached' : '**not reached**',
        ]),
      ),
    ),
    '## Raw figures',
    ...results.flatMap(({ tables }) => tables.map(({ title, head, rows }) => `### ${title}\n\n${table(head, rows)}`)),
  ];
  const text = readFileSync(FILE, 'utf8');
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END);
  if (begin === -1 || end < begin) throw new Error('docs/benchmarks.md has no place for the figures');
  writeFileSync(FILE, `${text.slice(0, begin + BEGIN.length)}\n\n${parts.join('\n\n')}\n\n${text.slice(end)}`);
}
