import { backOff, type Embedder, EmbeddingFailed, normalised, type Priority } from './embedder.ts';

export interface EndpointOptions {
  /** Of the API, without `/embeddings`: `http://127.0.0.1:11434/v1`. */
  url: string;
  model: string;
  apiKey?: string | undefined;
  /** Numbers that a vector must have; asked for. Undefined: as many as the endpoint gives. */
  dim?: number | undefined;
  /** Milliseconds that it may take. */
  timeouts?: Record<Priority, number>;
}

const TIMEOUTS: Record<Priority, number> = { query: 5_000, background: 60_000 };
/** Models read a few thousand tokens; a token is seldom less than a character. */
const CHARACTERS = 8_000;
/** Bytes of an answer that are read: a batch of vectors of 8,192 numbers as text is less. */
const ANSWER_BYTES = 8 * 1024 * 1024;
/** Statuses that blame the texts that were sent. */
const OF_TEXTS = new Set([400, 413, 422]);

const REASONS: Record<number, string> = {
  401: 'refuses the key (401): set EMBEDDINGS_API_KEY',
  403: 'refuses the key (403): set EMBEDDINGS_API_KEY',
  404: 'does not know the path or the model (404): see EMBEDDINGS_URL and EMBEDDINGS_MODEL',
  429: 'is asked too often (429)',
};

/**
 * A model behind an endpoint that speaks as OpenAI's does. After a failure nobody is kept waiting for the next one:
 * it is asked again after 1 s, 2 s, 4 s … 60 s, or when the endpoint says. Nothing that it answers is repeated in an
 * error, because some endpoints repeat the key.
 */
export function createEndpoint({ url, model, apiKey, dim, timeouts = TIMEOUTS }: EndpointOptions): Embedder {
  const address = `${url.replace(/\/+$/, '')}/embeddings`;
  const ending = new AbortController();
  let known = dim;
  let failures = 0;
  let down: { until: number; reason: string } | undefined;

  function failed(reason: string, retryAfter?: number): EmbeddingFailed {
    failures++;
    const wait = Math.max(retryAfter ?? 0, backOff(failures));
    down = { until: Date.now() + wait, reason };
    return new EmbeddingFailed(reason, { retryAfter: wait });
  }

  async function ask(texts: readonly string[], priority: Priority): Promise<Float32Array[]> {
    const left = down === undefined ? 0 : down.until - Date.now();
    if (down && left > 0) throw new EmbeddingFailed(down.reason, { retryAfter: left });
    const signal = AbortSignal.any([ending.signal, AbortSignal.timeout(timeouts[priority])]);
    let response: Response;
    let text = '';
    try {
      response = await fetch(address, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(apiKey && { authorization: `Bearer ${apiKey}` }) },
        body: JSON.stringify({
          model,
          input: texts.map(wellFormed),
          ...(dim !== undefined && { dimensions: dim }),
        }),
        // The key goes to the address that was set and to no other.
        redirect: 'error',
        signal,
      });
      text = await readText(response);
    } catch (error) {
      throw failed(`the embeddings endpoint ${reasonOf(error as Error)}`);
    }
    if (response.status !== 200) {
      if (OF_TEXTS.has(response.status))
        throw new EmbeddingFailed(`the embeddings endpoint refuses a text (${response.status})`, { ofTexts: true });
      const reason = REASONS[response.status] ?? `answers ${response.status}`;
      throw failed(`the embeddings endpoint ${reason}`, retryAfter(response));
    }
    const vectors = vectorsOf(text, texts.length);
    if (typeof vectors === 'string') throw failed(`the embeddings endpoint ${vectors}`);
    const length = vectors[0]?.length ?? 0;
    if (vectors.some((vector) => vector.length !== (known ?? length)))
      throw failed(
        `the embeddings endpoint answers vectors of ${length} numbers, not of ${known}: set EMBEDDINGS_DIM, or another EMBEDDINGS_MODEL`,
      );
    let unit: Float32Array[];
    try {
      unit = vectors.map(normalised);
    } catch {
      throw failed('the embeddings endpoint answers a vector without a direction');
    }
    known = length;
    failures = 0;
    down = undefined;
    return unit;
  }

  return {
    model: dim === undefined ? model : `${model}/${dim}`,
    get dim() {
      return known;
    },
    batch: 16,
    embed: (texts, priority) => (texts.length === 0 ? Promise.resolve([]) : ask(texts, priority)),
    async close() {
      ending.abort(new Error('the search is ending'));
    },
  };
}

async function readText(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body ?? []) {
    bytes += part.length;
    if (bytes > ANSWER_BYTES) throw new Error('too much');
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

/** What is wrong with reaching it, without anything that it said. */
function reasonOf({ name, message, cause }: Error): string {
  if (name === 'TimeoutError') return 'does not answer in time';
  if (message === 'too much') return `answers more than ${ANSWER_BYTES} bytes`;
  const code = (cause as { code?: string } | undefined)?.code;
  return code === undefined ? 'cannot be reached' : `cannot be reached (${code})`;
}

/** Milliseconds of a Retry-After header in seconds, an hour at most. */
function retryAfter({ headers }: Response): number | undefined {
  const seconds = Number(headers.get('retry-after') ?? Number.NaN);
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, 3_600) * 1_000 : undefined;
}

/** The vectors in the order of the texts, or what is wrong. */
function vectorsOf(text: string, count: number): number[][] | string {
  let data: unknown;
  try {
    data = (JSON.parse(text) as { data?: unknown } | null)?.data;
  } catch {
    return 'answers no JSON';
  }
  if (!Array.isArray(data)) return 'answers JSON without vectors';
  if (data.length !== count) return `answers ${data.length} vectors for ${count} texts`;
  const vectors = new Array<number[]>(count);
  for (const [i, each] of (data as ({ index?: unknown; embedding?: unknown } | null)[]).entries()) {
    const at = each?.index ?? i;
    const vector = each?.embedding;
    if (!(Number.isInteger(at) && (at as number) >= 0 && (at as number) < count)) return 'answers vectors out of order';
    if (!Array.isArray(vector) || vector.length === 0 || !vector.every((x) => typeof x === 'number'))
      return 'answers a vector that is none';
    vectors[at as number] = vector as number[];
  }
  return vectors.includes(undefined as never) ? 'answers vectors out of order' : vectors;
}

/** As much of a text as is read, without halves of characters. */
function wellFormed(text: string): string {
  return Buffer.from(text.slice(0, CHARACTERS)).toString();
}
