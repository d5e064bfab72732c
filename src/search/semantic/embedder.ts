/** Who waits for a vector: somebody who asks goes before documents that are read in the background. */
export type Priority = 'query' | 'background';

/** Turns texts into vectors of length 1, by which nearness is nearness of meaning. */
export interface Embedder {
  /** Names the model: vectors of different models are never compared. */
  readonly model: string;
  /** Numbers in a vector; undefined while only an answer can tell. */
  readonly dim: number | undefined;
  /** Texts of the background in one call, at most. */
  readonly batch: number;
  /** One vector for each text, in their order. Rejects with {@link EmbeddingFailed}. */
  embed(texts: readonly string[], priority: Priority): Promise<Float32Array[]>;
  close(): Promise<void>;
}

/** Why there is no vector, in words for people: no key and nothing that an endpoint said is in them. */
export class EmbeddingFailed extends Error {
  /** True where one of these texts is at fault and others may do; `perhaps` where the model broke over them. */
  readonly ofTexts: boolean | 'perhaps';
  /** Milliseconds after which it may be asked again, where that is known. */
  readonly retryAfter: number | undefined;

  constructor(
    message: string,
    { ofTexts = false, retryAfter }: { ofTexts?: boolean | 'perhaps'; retryAfter?: number } = {},
  ) {
    super(message);
    this.name = 'EmbeddingFailed';
    this.ofTexts = ofTexts;
    this.retryAfter = retryAfter;
  }
}

/** The vector of length 1 in the same direction. Throws {@link EmbeddingFailed} where there is none. */
export function normalised(numbers: ArrayLike<number>): Float32Array {
  let sum = 0;
  for (let i = 0; i < numbers.length; i++) sum += (numbers[i] as number) * (numbers[i] as number);
  if (!(sum > 0 && Number.isFinite(sum))) throw new EmbeddingFailed('the model answered a vector without a direction');
  const scale = 1 / Math.sqrt(sum);
  const vector = new Float32Array(numbers.length);
  for (let i = 0; i < vector.length; i++) vector[i] = (numbers[i] as number) * scale;
  return vector;
}

/** Milliseconds until the next try after so many that failed in a row: 1 s, 2 s, 4 s … 60 s. */
export function backOff(failures: number): number {
  return Math.min(60_000, 1_000 * 2 ** Math.min(failures - 1, 6));
}
