import { afterEach, expect, test, vi } from 'vitest';
import type { Feed, Page } from '../../kernel/feed/feed.ts';
import type { Filter } from '../../kernel/feed/filter.ts';
import { Sleepers } from '../../kernel/sleepers.ts';
import { awaitPage } from './await-page.ts';

afterEach(() => void vi.useRealTimers());

const any = {} as Filter;

/** A feed of which events 1 to `head` are there, and those in `matching` match. */
function feedOf(head: number, matching: number[]) {
  const sleepers = new Sleepers();
  const feed = {
    head,
    sleepers,
    /** Events that were looked at. */
    looked: 0,
    async page(after: number, _: Filter, { scan = 1, events }: { scan?: number; events: number }): Promise<Page> {
      const to = Math.min(feed.head, after + Math.min(scan, 10_000));
      feed.looked += to - after;
      const entries = matching.filter((seq) => seq > after && seq <= to).slice(0, events);
      return { entries, to } as unknown as Page;
    },
    /** One more event; what matches wakes who waits, and so does what might match. */
    grow(matches: boolean, wakes = matches) {
      feed.head++;
      if (matches) matching.push(feed.head);
      sleepers.happened(wakes ? ['event', 'match'] : ['event'], [{ event: { seq: feed.head } }]);
    },
  };
  return feed;
}

function ask(feed: ReturnType<typeof feedOf>, after: number, ms: number, signal?: AbortSignal): Promise<Page> {
  const sleeper = ms === 0 ? undefined : feed.sleepers.enter(['match'], ms, { signal });
  return awaitPage(feed as unknown as Feed, after, any, 10, sleeper).finally(() => sleeper?.leave());
}

/** Lets what was begun go on. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

test('what is there is answered at once, however long the caller would wait', async () => {
  const feed = feedOf(5, [2, 4]);
  expect(await ask(feed, 0, 600_000)).toMatchObject({ entries: [2, 4], to: 5 });
});

test('what is not there is waited for, through events that do not match', async () => {
  const feed = feedOf(5, []);
  const page = ask(feed, 5, 600_000);
  feed.grow(false);
  await settled();
  feed.grow(false, true);
  await settled();
  expect(feed.sleepers.none).toBe(false);
  feed.grow(true);
  expect(await page).toMatchObject({ entries: [8], to: 8 });
  expect(feed.sleepers.none).toBe(true);
});

test('what does not wake is not looked at, neither when something does nor when the time is over', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const feed = feedOf(5, []);
  const [page, empty] = [ask(feed, 5, 600_000), ask(feed, 5, 1_000)];
  await settled();
  for (let i = 0; i < 1_000; i++) feed.grow(false);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await empty).toMatchObject({ entries: [], to: 1_005 });
  feed.grow(true);
  expect(await page).toMatchObject({ entries: [1_006], to: 1_006 });
  expect(feed.looked).toBe(1);
});

test('what comes while the past is looked through is not missed', async () => {
  const feed = feedOf(30_000, []);
  const page = ask(feed, 0, 600_000);
  feed.grow(true);
  for (let i = 0; i < 20_000; i++) feed.grow(false);
  expect(await page).toMatchObject({ entries: [30_001] });
});

test('after the time there is an empty page, as far on as was looked', async () => {
  const feed = feedOf(5, []);
  expect(await ask(feed, 0, 20)).toMatchObject({ entries: [], to: 5 });
  expect(feed.sleepers.none).toBe(true);
});

test('a caller who is gone is waited for no longer', async () => {
  const feed = feedOf(5, []);
  const caller = new AbortController();
  const page = ask(feed, 5, 600_000, caller.signal);
  await settled();
  caller.abort();
  expect(await page).toMatchObject({ entries: [] });
  expect(feed.sleepers.none).toBe(true);
});

test('where next to nothing matches, an answer without waiting looks only so far', async () => {
  const feed = feedOf(1_000_000, [999_999]);
  const page = await ask(feed, 0, 0);
  expect(page.entries).toEqual([]);
  expect(page.to).toBeGreaterThanOrEqual(50_000);
  expect(page.to).toBeLessThan(1_000_000);
});
