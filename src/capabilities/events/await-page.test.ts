import { expect, test } from 'vitest';
import type { Feed, Page } from '../../kernel/feed/feed.ts';
import type { Filter } from '../../kernel/feed/filter.ts';
import { awaitPage } from './await-page.ts';

const any = {} as Filter;

/** A feed of which events 1 to `head` are there, and those in `matching` match. */
function feedOf(head: number, matching: number[]) {
  const waiting = new Set<() => void>();
  const feed = {
    head,
    async page(after: number, _: Filter, { scan = 1, events }: { scan?: number; events: number }): Promise<Page> {
      const to = Math.min(feed.head, after + Math.min(scan, 10_000));
      const entries = matching.filter((seq) => seq > after && seq <= to).slice(0, events);
      return { entries, to } as unknown as Page;
    },
    onNext(listener: () => void) {
      waiting.add(listener);
      return () => waiting.delete(listener);
    },
    /** One more event. */
    grow(matches: boolean) {
      feed.head++;
      if (matches) matching.push(feed.head);
      for (const listener of [...waiting]) listener();
    },
    waiting,
  };
  return feed;
}

const ask = (feed: ReturnType<typeof feedOf>, after: number, ms: number, signal?: AbortSignal) =>
  awaitPage(feed as unknown as Feed, after, any, { limit: 10, ms, signal });

test('what is there is answered at once, however long the caller would wait', async () => {
  const feed = feedOf(5, [2, 4]);
  expect(await ask(feed, 0, 600_000)).toMatchObject({ entries: [2, 4], to: 5 });
});

test('what is not there is waited for, through events that do not match', async () => {
  const feed = feedOf(5, []);
  const page = ask(feed, 5, 600_000);
  await expect.poll(() => feed.waiting.size).toBe(1);
  feed.grow(false);
  await expect.poll(() => feed.waiting.size).toBe(1);
  feed.grow(true);
  expect(await page).toMatchObject({ entries: [7], to: 7 });
  expect(feed.waiting.size).toBe(0);
});

test('after the time there is an empty page, as far on as was looked', async () => {
  const feed = feedOf(5, []);
  expect(await ask(feed, 0, 20)).toMatchObject({ entries: [], to: 5 });
  expect(feed.waiting.size).toBe(0);
});

test('a caller who is gone is waited for no longer', async () => {
  const feed = feedOf(5, []);
  const caller = new AbortController();
  const page = ask(feed, 5, 600_000, caller.signal);
  await expect.poll(() => feed.waiting.size).toBe(1);
  caller.abort();
  expect(await page).toMatchObject({ entries: [] });
  expect(feed.waiting.size).toBe(0);
});

test('where next to nothing matches, an answer without waiting looks only so far', async () => {
  const feed = feedOf(1_000_000, [999_999]);
  const page = await ask(feed, 0, 0);
  expect(page.entries).toEqual([]);
  expect(page.to).toBeGreaterThanOrEqual(50_000);
  expect(page.to).toBeLessThan(1_000_000);
});
