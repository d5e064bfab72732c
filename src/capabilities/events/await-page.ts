import type { Feed, Page } from '../../kernel/feed/feed.ts';
import type { Filter } from '../../kernel/feed/filter.ts';

/** Bytes of a page at most, about. */
const BYTES = 1024 * 1024;
/** Events looked at for one page; where nothing matches, the cursor of the answer is that far on. */
const SCAN = 50_000;

export interface WaitOptions {
  /** Events at most. */
  limit: number;
  ms: number;
  signal?: AbortSignal | undefined;
  /** Called when there is nothing yet and the caller really waits; what it answers is called when that is over. */
  asleep?: (() => () => void) | undefined;
}

/** The first matching events after `after`: at once where there are any, else the first that come within `ms`. */
export async function awaitPage(
  feed: Feed,
  after: number,
  filter: Filter,
  { limit, ms, signal, asleep }: WaitOptions,
): Promise<Page> {
  const limits = { events: limit, bytes: BYTES, scan: SCAN };
  const until = performance.now() + ms;
  let from = after;
  let scanned = 0;
  let over: (() => void) | undefined;
  try {
    for (;;) {
      const page = await feed.page(from, filter, limits);
      scanned += page.to - from;
      from = page.to;
      const left = until - performance.now();
      if (page.entries.length > 0 || signal?.aborted) return page;
      if (page.to < feed.head) {
        if (scanned < SCAN || left > 0) continue;
        return page;
      }
      if (left <= 0) return page;
      over ??= asleep?.();
      await next(feed, left, signal);
    }
  } finally {
    over?.();
  }
}

/** Fulfilled at the next event, after `ms`, or when nobody waits any more. */
function next(feed: Feed, ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      forget();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    const forget = feed.onNext(done);
    signal?.addEventListener('abort', done, { once: true });
  });
}
