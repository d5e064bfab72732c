import type { Bad, Part, Source } from './source.ts';
import type { Counts } from './write-source.ts';

/** The parts that a source has. */
export function partsOf({ messages, tasks, inboxes }: Source): Part<unknown>[] {
  return [messages, tasks, inboxes].filter((part) => part !== undefined);
}

/** One line: where it is, and what is wrong. */
export function describeBad({ file, line, reason }: Bad): string {
  return line === undefined ? `${file}: ${reason}` : `${file}:${line}: ${reason}`;
}

/** The lines that tell a person what became of every part. */
export function describeParts(source: Source, counts: ReadonlyMap<string, Counts>, dryRun: boolean): string[] {
  return partsOf(source).flatMap((part) => {
    const { imported, there, differs } = counts.get(part.name) ?? { imported: 0, there: 0, differs: 0 };
    const repeated = part.read - part.bad.filter(({ line }) => line !== undefined).length - part.records.length;
    const figures = [
      `${imported} ${dryRun ? 'would be imported' : 'imported'}`,
      `${there} already there`,
      ...(differs > 0 ? [`${differs} changed since, kept as here`] : []),
      ...(part.name.endsWith('.jsonl') && repeated > 0 ? [`${repeated} earlier versions passed over`] : []),
      `${part.bad.length} bad`,
    ];
    const unknown = [...part.unknown].map(([name, n]) => `${name} (${n})`).join(', ');
    return [
      `  ${part.name.padEnd(16)}${figures.join(', ')}`,
      ...(unknown === '' ? [] : [`  ${''.padEnd(16)}fields left out: ${unknown.slice(0, 500)}`]),
    ];
  });
}
