/** How often and how long something is tried again. Times are milliseconds. */
export interface RetryOptions {
  /** Requests for one call at most, the first included. */
  tries: number;
  /** About the pause before the second; each later one is twice as long. */
  firstMs: number;
  /** About the longest pause. */
  mostMs: number;
}

export const RETRY: RetryOptions = { tries: 8, firstMs: 100, mostMs: 10_000 };

/** The pause before the n-th repetition (0, 1, 2 …): random, so that clients of a server that was away do not come all at once. */
export function pauseOf(n: number, { firstMs, mostMs }: RetryOptions, atLeast = 0): number {
  const pause = Math.max(Math.min(mostMs, firstMs * 2 ** Math.min(n, 20)), atLeast);
  return pause * (1 + Math.random() / 2);
}

/** Fulfilled after `ms`; rejected with the signal's reason where it is aborted before. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    if (signal?.aborted) stop();
    else signal?.addEventListener('abort', stop, { once: true });
  });
}
