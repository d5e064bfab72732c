import type { Feed, Page } from '../../kernel/feed/feed.ts';
import type { Filter } from '../../kernel/feed/filter.ts';
import type { Sleeper } from '../../kernel/sleepers.ts';

/** Bytes of a page at most, about. */
const BYTES = 1024 * 1024;
/** Events looked at for one page; where nothing matches, the cursor of the answer is that far on. */
const SCAN = 50_000;

/** The first matching events after `after`, so many at most: at once where there are any, else the first that wake the sleeper. */
export async function awaitPage(
  feed: Feed,
  after: number,
  filter: Filter,
  limit: number,
  sleeper: Sleeper | undefined,
): Promise<Page> {
  const limits = { events: limit, bytes: BYTES, scan: SCAN };
  let from = after;
  let scanned = 0;
  for (;;) {
    const waits = sleeper?.waiting ?? false;
    const page = await feed.page(from, filter, limits);
    scanned += page.to - from;
    if (page.entries.length > 0) return page;
    from = page.to;
    if (from < feed.head) {
      if (!waits && scanned >= SCAN) return page;
      continue;
    }
    if (!sleeper || !waits) return page;
    await sleeper.woken();
    // What did not wake it matches nothing: it is not looked at.
    from = Math.max(from, sleeper.quiet);
  }
}
