import { ConnectionError, ProblemError, passes, problemOf } from './errors.ts';
import type { CallOptions } from './operations.ts';
import { pauseOf, type RetryOptions, sleep } from './pause.ts';

/** Where the server is, and who calls. */
export interface Address {
  /** `http://127.0.0.1:4445` */
  url: string;
  agent: string | undefined;
}

export interface CallSettings extends Address {
  retry: RetryOptions;
  /** Milliseconds that one request may take, beside what its input asks to wait. */
  timeoutMs: number;
}

/** An answer of any operation. */
interface AnyAnswer {
  result: unknown;
  seq: number;
  etag: string | undefined;
  replayed: boolean;
}

/** A request that may be sent again with the same key. */
class Passing extends Error {
  readonly atLeast: number;

  constructor(cause: unknown, atLeast = 0) {
    super('no answer', { cause });
    this.atLeast = atLeast;
  }
}

/**
 * Calls an operation by name. What may not have arrived is sent again with the same key, a bounded number of times;
 * a refusal never. Throws ProblemError, ConnectionError, or the signal's reason.
 */
export async function callOperation(
  settings: CallSettings,
  name: string,
  input: Record<string, unknown>,
  options: CallOptions = {},
): Promise<AnyAnswer> {
  const { signal } = options;
  const key = options.idempotencyKey ?? newKey();
  for (let n = 0; ; n++) {
    signal?.throwIfAborted();
    try {
      return await request(settings, name, input, key, options);
    } catch (error) {
      if (!(error instanceof Passing)) throw error;
      signal?.throwIfAborted();
      if (n + 1 >= settings.retry.tries) {
        if (error.cause instanceof ProblemError) throw error.cause;
        throw new ConnectionError(`${name}: no answer from ${settings.url} in ${n + 1} tries`, { cause: error.cause });
      }
      await sleep(pauseOf(n, settings.retry, error.atLeast), signal);
    }
  }
}

async function request(
  { url, agent, timeoutMs }: CallSettings,
  name: string,
  input: Record<string, unknown>,
  key: string,
  { signal, ifMatch }: CallOptions,
): Promise<AnyAnswer> {
  const body = JSON.stringify(input);
  const wait = Number(input.wait);
  const timeout = AbortSignal.timeout(timeoutMs + (wait > 0 ? wait * 1_000 : 0));
  let response: Response;
  let text: string;
  try {
    response = await fetch(`${url}/call/${encodeURIComponent(name)}`, {
      method: 'POST',
      headers: {
        accept: 'application/json',
        'content-type': 'application/json',
        'idempotency-key': key,
        ...(agent !== undefined && { 'x-agent': agent }),
        ...(ifMatch !== undefined && { 'if-match': String(ifMatch) }),
      },
      body,
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
    text = await response.text();
  } catch (error) {
    throw new Passing(error);
  }
  const { status, headers } = response;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (response.ok || passes(status)) throw new Passing(error);
    throw new ConnectionError(`${name}: ${url} answers ${status}, and not as this server does`, { cause: error });
  }
  if (!response.ok) {
    const problem = problemOf(value);
    const error =
      problem === undefined
        ? new ConnectionError(`${name}: ${url} answers ${status}, and not as this server does`)
        : new ProblemError(problem);
    throw passes(status) ? new Passing(error, retryAfter(headers)) : error;
  }
  return {
    result: value,
    seq: Number(headers.get('x-seq') ?? 0),
    etag: headers.get('etag') ?? undefined,
    replayed: headers.get('idempotent-replay') === 'true',
  };
}

/** The longest that a server may ask to wait, in milliseconds. */
const MOST_ASKED = 60_000;

function retryAfter(headers: Headers): number {
  const seconds = Number(headers.get('retry-after'));
  return seconds > 0 ? Math.min(seconds * 1_000, MOST_ASKED) : 0;
}

/** 128 random bits. `crypto.randomUUID` is not there on pages that came over plain HTTP from another machine. */
function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
