import type { Memory } from './state.ts';

const DAY = 86_400_000;

/** The UTC day of a time in milliseconds since 1970, as a number of days since then. */
export function dayOf(ms: number): number {
  return Math.floor(ms / DAY);
}

/** `2026-05-17` */
export function dayName(day: number): string {
  return new Date(day * DAY).toISOString().slice(0, 10);
}

/** `2026-05-17.md` */
export function fileName(day: number): string {
  return `${dayName(day)}.md`;
}

const FILE = /^\d{4}-\d\d-\d\d(?=\.md$)/;

/** The day of a file's name; undefined where it is no day file. */
export function dayOfFile(name: string): number | undefined {
  const [date] = FILE.exec(name) ?? [];
  const day = date === undefined ? Number.NaN : dayOf(Date.parse(date));
  return Number.isNaN(day) || fileName(day) !== name ? undefined : day;
}

/** What ends a line. */
const BREAK = /\r\n|\r|\n/;
/** What a terminal or an editor may take for a command or the end of a line: everything invisible but the tab. */
const INVISIBLE =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
/** A line that Markdown may take for a part of the file's own structure, or as the beginning of something that does not end by itself. */
const STRUCTURE = /^[ \t]*(?:#|```|~~~|<|=+[ \t]*$|-+[ \t]*$)/m;

/** The lines of a memory as they stand in its day's file. Where one might be taken for structure, all are quoted. */
export function contentLines(content: string): string[] {
  const lines = content.split(BREAK).map((line) => line.replace(INVISIBLE, '\ufffd'));
  const quoted = lines.some((line) => STRUCTURE.test(line));
  return quoted ? lines.map((line) => (line === '' ? '>' : `> ${line}`)) : lines;
}

/** Lines before the first memory, and before the content of each: an empty one, its heading, an empty one. */
const TITLE_LINES = 1;
const HEADING_LINES = 3;

/** How a day's file begins. */
export function titleOf(day: number): string {
  return `# ${dayName(day)}\n`;
}

/** One memory as it stands in its day's file. */
export function entryOf({ id, key, tags, createdAt, content }: Memory): string {
  const time = new Date(createdAt).toISOString().slice(11, 19);
  const name = key === undefined ? '' : ` ${key}`;
  const labels = tags === undefined ? '' : ` [${tags.join(', ')}]`;
  return `\n## ${time}${name}${labels} (${id})\n\n${contentLines(content).join('\n')}\n`;
}

/** The number, from 1, of a memory's line `i`, from 0, in the file where the memories before it take so many lines. */
export function lineNumber(before: number, i: number): number {
  return TITLE_LINES + before + HEADING_LINES + i + 1;
}
