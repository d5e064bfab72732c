import type { Space } from './space.ts';

/** One frame is one line of JSON, on a pipe of its own between the server and the process of a tool. */
export const PIPE = 3;

/** Bytes of a result, and of any frame, at most. */
export const MAX_FRAME_BYTES = 1024 * 1024;

/** The first frame: what to do. */
export interface Job {
  module: string;
  functions: string[];
  input: Record<string, unknown>;
  space: Space;
  userId: string;
}

/** What came of a call of another tool. */
export type Called = { id: number; ok: true; result: unknown } | { id: number; ok: false; message: string };

export type FromTool =
  | { type: 'done'; result: unknown }
  | { type: 'failed'; code?: 'too_large'; message: string }
  | { type: 'call'; id: number; name: string; input: Record<string, unknown> };

/** Splits what comes into lines; a line that is too long is told as such, once, and nothing after it is read. */
export function readLines(each: (line: string) => void, tooLong: () => void): (chunk: Buffer) => void {
  let parts: Buffer[] = [];
  let size = 0;
  let over = false;
  return (chunk) => {
    let rest = chunk;
    while (!over) {
      const end = rest.indexOf(10);
      const part = end === -1 ? rest : rest.subarray(0, end);
      parts.push(part);
      size += part.length;
      if (size > MAX_FRAME_BYTES + 1_024) {
        over = true;
        parts = [];
        tooLong();
        return;
      }
      if (end === -1) return;
      const line = Buffer.concat(parts).toString('utf8');
      parts = [];
      size = 0;
      rest = rest.subarray(end + 1);
      each(line);
      if (rest.length === 0) return;
    }
  };
}
