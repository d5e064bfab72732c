import { expect, test } from 'vitest';
import { Deeds } from './deeds.ts';

const keyed = (hash = 'h') => ({ id: 'kai a', mark: { key: 'a', hash, op: 'tools.call' } });

test('what was done and could not be written down is not done again', async () => {
  const deeds = new Deeds();
  const first = await deeds.begin(keyed());
  expect(first.done).toBeUndefined();
  first.done = { value: 'done' };
  first.over(false);
  const second = await deeds.begin(keyed());
  expect(second.done).toEqual({ value: 'done' });
  second.over(true);
  // Now it is written down, and found there.
  expect((await deeds.begin(keyed())).done).toBeUndefined();
});

test('what was not done may be done by the next', async () => {
  const deeds = new Deeds();
  (await deeds.begin(keyed())).over(false);
  expect((await deeds.begin(keyed())).done).toBeUndefined();
});

test('of one key one is at it at a time, in turn; others do not wait', async () => {
  const deeds = new Deeds();
  const first = await deeds.begin(keyed());
  const order: string[] = [];
  const second = deeds.begin(keyed()).then((deed) => {
    order.push('second');
    return deed;
  });
  await deeds.begin({ ...keyed(), id: 'ada a' });
  await deeds.begin(undefined);
  order.push('others');
  await expect(deeds.begin(keyed('other'))).rejects.toMatchObject({ code: 'idempotency_key_reused' });
  first.over(true);
  (await second).over(true);
  expect(order).toEqual(['others', 'second']);
});
