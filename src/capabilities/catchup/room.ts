import { shorten } from '../../kernel/page.ts';

/** Takes things while they fit; bytes are those of their JSON. */
export class Room {
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  fits(value: unknown): boolean {
    return bytesOf(value) < this.#left;
  }

  take(value: unknown): void {
    this.#left -= bytesOf(value) + 1;
  }

  /** As many from the front as fit. */
  fill<T>(values: Iterable<T>): T[] {
    const taken: T[] = [];
    for (const value of values) {
      if (!this.fits(value)) break;
      this.take(value);
      taken.push(value);
    }
    return taken;
  }

  /** Gives up all but some, which the answer gets as another room. */
  part(share: number): Room {
    const bytes = Math.floor(Math.max(0, this.#left) * share);
    this.#left -= bytes;
    return new Room(bytes);
  }

  /** What a part did not need. */
  give({ bytes }: { bytes: number }): void {
    this.#left += bytes;
  }

  get bytes(): number {
    return this.#left;
  }
}

/** Bytes of a value as JSON. */
export function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

/** What breaks a line, moves a terminal's cursor or turns the order of letters round. */
const UNPRINTABLE = /[\s\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]+/gu;

/** Text as one line of so many characters at most: whatever was written, no other line is begun by it. */
export function oneLine(text: string, length: number): string {
  // Of a long text, only the beginning is looked at.
  return shorten(
    text
      .trimStart()
      .slice(0, 8 * length + 8)
      .replace(UNPRINTABLE, ' ')
      .trim(),
    length,
  );
}
