import { createReadStream } from 'node:fs';

/** A line of a file, counted from 1: its text, or what is wrong with it. */
export type Line = { number: number; text: string } | { number: number; problem: string };

/** Bytes of a line at most: no event is that long, however its characters are escaped. */
const LONGEST = 4 * 1024 * 1024;
const LF = 0x0a;

/** Reads a file line by line; the file may be of any size, as may a line. Empty lines are left out. */
export async function* readLines(file: string): AsyncGenerator<Line> {
  let number = 0;
  let parts: Buffer[] = [];
  let bytes = 0;
  const take = (part: Buffer) => {
    bytes += part.length;
    if (bytes <= LONGEST) parts.push(part);
    else parts = [];
  };
  const end = (): Line => {
    const line = bytes > LONGEST ? { problem: `too large: ${bytes} bytes` } : toText(Buffer.concat(parts));
    parts = [];
    bytes = 0;
    return { number, ...line };
  };
  for await (const chunk of createReadStream(file, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>) {
    let from = 0;
    for (let at = chunk.indexOf(LF); at !== -1; at = chunk.indexOf(LF, from)) {
      take(chunk.subarray(from, at));
      from = at + 1;
      number++;
      const line = end();
      if (!isEmpty(line)) yield line;
    }
    take(chunk.subarray(from));
  }
  if (bytes === 0) return;
  number++;
  const line = end();
  if (!isEmpty(line)) yield line;
}

function isEmpty(line: Line): boolean {
  return 'text' in line && line.text.trim() === '';
}

/** UTF-8 alone: a wrong byte is told, not replaced. A byte order mark is left out. */
export function toText(bytes: Buffer): { text: string } | { problem: string } {
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    return { problem: 'not UTF-8' };
  }
}
