import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ChangeLog, LiveCollection, rollBack } from './collection.ts';
import { compareKeys, type OrderKey, type OrderSpec } from './order.ts';

interface Item {
  id: string;
  rank: number;
  groups: readonly string[];
}

const byRank: OrderSpec<Item> = { groups: ({ groups }) => groups, key: ({ rank, id }) => [rank, id] };
const GROUPS = ['', 'a', 'b'];

function collection(log: ChangeLog = { changes: [] }) {
  return new LiveCollection<Item>('items', log, { byRank });
}

test('keys are compared part by part, and the shorter of two that begin alike stands first', () => {
  const keys: OrderKey[] = [
    [2, 'a'],
    [1, 'b'],
    [1, 'a', 0],
    [-1, 'z'],
    [1, 'a'],
    [10, 'a'],
  ];
  expect(keys.sort(compareKeys)).toEqual([
    [-1, 'z'],
    [1, 'a'],
    [1, 'a', 0],
    [1, 'b'],
    [2, 'a'],
    [10, 'a'],
  ]);
});

test('a walk begins at the first entity at or after a key', () => {
  const items = collection();
  for (const rank of [1, 3, 5]) items.put(`i${rank}`, { id: `i${rank}`, rank, groups: ['a'] });
  const from = (key: OrderKey) => [...items.inOrder('byRank', 'a', key)].map(({ rank }) => rank);
  expect(from([3, 'i3'])).toEqual([3, 5]);
  expect(from([3, 'i4'])).toEqual([5]);
  expect(from([2, ''])).toEqual([3, 5]);
  expect(from([6, ''])).toEqual([]);
});

test('an order that was not declared cannot be asked for', () => {
  expect(() => collection().count('none', '')).toThrow('items has no order none');
});

const change = fc.record({
  id: fc.constantFrom('i1', 'i2', 'i3', 'i4', 'i5', 'i6'),
  rank: fc.integer({ min: 0, max: 3 }),
  groups: fc.subarray(GROUPS),
  what: fc.constantFrom('put', 'put', 'put', 'delete'),
});
const command = fc.record({ changes: fc.array(change, { minLength: 1, maxLength: 5 }), kept: fc.boolean() });

test('every group is what sorting its entities gives, after any puts and deletions, kept or taken back', () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 20 }), (commands) => {
      const log: ChangeLog = { changes: [] };
      const items = collection(log);
      let model = new Map<string, Item>();
      for (const { changes, kept } of commands) {
        const before = new Map(model);
        log.changes = [];
        for (const { what, ...item } of changes) {
          if (what === 'put') {
            items.put(item.id, item);
            model.set(item.id, item);
          } else {
            items.delete(item.id);
            model.delete(item.id);
          }
        }
        if (!kept) {
          rollBack(log.changes);
          model = before;
        }
      }
      for (const group of GROUPS) {
        const expected = [...model.values()]
          .filter(({ groups }) => groups.includes(group))
          .sort((a, b) => a.rank - b.rank || (a.id < b.id ? -1 : 1));
        expect([...items.inOrder('byRank', group)]).toEqual(expected);
        expect(items.count('byRank', group)).toBe(expected.length);
        expect(items.first('byRank', group)).toEqual(expected[0]);
      }
      const filled = GROUPS.filter((group) => [...model.values()].some(({ groups }) => groups.includes(group)));
      expect([...items.groups('byRank')].sort()).toEqual(filled);
    }),
    { numRuns: 300 },
  );
});
