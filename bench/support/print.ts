import type { Result } from './benchmark.ts';

/** Shows a result on standard output. */
export function printResult(name: string, { checks, tables }: Result, ms: number): void {
  const lines = [`\n${name} (${(ms / 1_000).toFixed(1)} s)`];
  for (const { title, head, rows } of tables) {
    const all = [head, ...rows];
    const widths = head.map((_, i) => Math.max(...all.map((row) => row[i]?.length ?? 0)));
    lines.push(`  ${title}`);
    for (const row of all) lines.push(`    ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')}`.trimEnd());
  }
  for (const { what, bound, measured, reached } of checks)
    lines.push(`  ${reached ? 'reached    ' : 'NOT REACHED'}  ${what}: ${measured} (${bound})`);
  process.stdout.write(`${lines.join('\n')}\n`);
}
