/** Vectors of one model in one row of memory, by the hash of their text. */
export class VectorSet {
  readonly model: string;
  /** Numbers in a vector; 0 before there is one. */
  dim = 0;
  #numbers = new Float32Array(0);
  readonly #slots = new Map<string, number>();
  readonly #free: number[] = [];

  constructor(model: string) {
    this.model = model;
  }

  get size(): number {
    return this.#slots.size;
  }

  has(hash: string): boolean {
    return this.#slots.has(hash);
  }

  hashes(): Iterable<string> {
    return this.#slots.keys();
  }

  /** Where the vector of a text is; -1 where there is none. */
  slot(hash: string): number {
    return this.#slots.get(hash) ?? -1;
  }

  get(hash: string): Float32Array | undefined {
    const slot = this.slot(hash);
    return slot === -1 ? undefined : this.#numbers.slice(slot * this.dim, (slot + 1) * this.dim);
  }

  /** True where it is kept; false where it has not as many numbers as the others. */
  put(hash: string, vector: Float32Array): boolean {
    if (this.dim === 0) this.dim = vector.length;
    if (vector.length !== this.dim) return false;
    let slot = this.slot(hash);
    if (slot === -1) {
      slot = this.#free.pop() ?? this.#slots.size;
      this.#slots.set(hash, slot);
      if ((slot + 1) * this.dim > this.#numbers.length) {
        const more = new Float32Array(
          Math.max(256 * this.dim, Math.ceil(this.#numbers.length * 1.5), (slot + 1) * this.dim),
        );
        more.set(this.#numbers);
        this.#numbers = more;
      }
    }
    this.#numbers.set(vector, slot * this.dim);
    return true;
  }

  drop(hash: string): void {
    const slot = this.#slots.get(hash);
    if (slot === undefined) return;
    this.#slots.delete(hash);
    this.#free.push(slot);
  }

  /** The cosine of a vector of length 1 and the one in a slot. */
  cosine(vector: Float32Array, slot: number): number {
    const numbers = this.#numbers;
    const { dim } = this;
    const at = slot * dim;
    // Four sums keep the processor from waiting for each other's end.
    let [a, b, c, d] = [0, 0, 0, 0];
    let i = 0;
    for (; i + 3 < dim; i += 4) {
      a += (vector[i] as number) * (numbers[at + i] as number);
      b += (vector[i + 1] as number) * (numbers[at + i + 1] as number);
      c += (vector[i + 2] as number) * (numbers[at + i + 2] as number);
      d += (vector[i + 3] as number) * (numbers[at + i + 3] as number);
    }
    for (; i < dim; i++) a += (vector[i] as number) * (numbers[at + i] as number);
    return a + b + c + d;
  }
}
