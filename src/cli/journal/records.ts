import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { decode, type Encoded, isIntact } from '../../kernel/event.ts';
import { segmentsIn } from '../../kernel/journal/layout.ts';
import { segmentFile } from '../../kernel/journal/segment.ts';

const CHUNK = 1024 * 1024;

/** Follows a journal's files from a segment on, also while a server writes and rotates them. */
export class RecordReader {
  readonly #dir: string;
  #segment: number;
  #position = 0;

  constructor(dir: string, segment = 1) {
    this.#dir = dir;
    this.#segment = segment;
  }

  /** Every whole record that is there now and was not read yet. */
  *read(): Generator<Encoded> {
    for (;;) {
      // Looked up first: once there is a later segment, this one does not grow any more.
      const next = segmentsIn(this.#dir).find((first) => first > this.#segment);
      yield* this.#rest();
      if (next === undefined) return;
      this.#segment = next;
      this.#position = 0;
    }
  }

  *#rest(): Generator<Encoded> {
    const file = join(this.#dir, segmentFile(this.#segment));
    if (!existsSync(file)) return;
    const fd = openSync(file, 'r');
    try {
      let rest: Buffer = Buffer.alloc(0);
      const chunk = Buffer.allocUnsafe(CHUNK);
      for (;;) {
        const n = readSync(fd, chunk, 0, CHUNK, this.#position + rest.length);
        if (n === 0) return;
        const data = Buffer.concat([rest, chunk.subarray(0, n)]);
        let start = 0;
        for (let end = data.indexOf(0x0a); end !== -1; end = data.indexOf(0x0a, start)) {
          const line = data.subarray(start, end);
          // A line that is being written is read again when it is whole.
          if (!isIntact(line)) return;
          this.#position += end + 1 - start;
          start = end + 1;
          const record = decode(line);
          if (record.event.seq > 0) yield record;
        }
        rest = data.subarray(start);
      }
    } finally {
      closeSync(fd);
    }
  }
}
