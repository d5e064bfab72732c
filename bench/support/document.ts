import { readFileSync, writeFileSync } from 'node:fs';
import type { Result } from './benchmark.ts';

const FILE = new URL('../../docs/benchmarks.md', import.meta.url);
/** Parts of the page that are written by a command each. */
const PARTS = {
  bench: { begin: '<!-- figures: written by npm run bench -->', end: '<!-- end of figures -->' },
  search: {
    begin: '<!-- figures of search: written by npm run bench:search -->',
    end: '<!-- end of figures of search -->',
  },
};
export type Part = keyof typeof PARTS;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

/** Puts the figures of a part into docs/benchmarks.md and leaves the rest as it is. */
export function writeDocument(part: Part, machine: readonly [string, string][], results: readonly Result[]): void {
  const level = part === 'bench' ? '##' : '###';
  const parts = [
    `Measured on ${new Date().toISOString().slice(0, 10)}.`,
    table(['machine', ''], machine),
    `${level} Bounds`,
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
    `${level} Raw figures`,
    ...results.flatMap(({ tables }) =>
      tables.map(({ title, head, rows }) => `${level}# ${title}\n\n${table(head, rows)}`),
    ),
  ];
  const text = readFileSync(FILE, 'utf8');
  const marks = PARTS[part];
  const begin = text.indexOf(marks.begin);
  const end = text.indexOf(marks.end);
  if (begin === -1 || end < begin) throw new Error('docs/benchmarks.md has no place for the figures');
  writeFileSync(FILE, `${text.slice(0, begin + marks.begin.length)}\n\n${parts.join('\n\n')}\n\n${text.slice(end)}`);
}
