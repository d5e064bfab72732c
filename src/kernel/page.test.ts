import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { capBytes, listInput, pick, shorten } from './page.ts';

describe('the limit of a list', () => {
  const input = z.object(listInput(10, 20));

  test.each([
    [undefined, 10],
    [5, 5],
    ['5', 5],
    [20, 20],
    [21, 20],
    [1e12, 20],
  ])('%j means %j', (limit, expected) => {
    expect(input.parse({ limit }).limit).toBe(expected);
  });

  test.each([0, -1, 1.5, 'many', '', null])('cannot be %j', (limit) => {
    expect(input.safeParse({ limit }).success).toBe(false);
  });
});

describe('the size of a list', () => {
  test('is capped, but there is always one', () => {
    expect(capBytes([4, 4, 4], (n) => n, 8)).toEqual({ taken: [4, 4], cut: true });
    expect(capBytes([4, 4], (n) => n, 8)).toEqual({ taken: [4, 4], cut: false });
    expect(capBytes([9, 1], (n) => n, 8)).toEqual({ taken: [9], cut: true });
    expect(capBytes([], () => 1, 8)).toEqual({ taken: [], cut: false });
  });

  test('whatever is taken and left is the whole list', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20)), fc.nat(50), (sizes, bytes) => {
        const { taken, cut } = capBytes(sizes, (n) => n, bytes);
        expect(taken).toEqual(sizes.slice(0, taken.length));
        expect(cut).toBe(taken.length < sizes.length);
      }),
    );
  });
});

test('only the asked fields are left, in the order that they had', () => {
  expect(pick([{ a: 1, b: 2, c: 3 }], 'c, a,nothing')).toEqual([{ a: 1, c: 3 }]);
  expect(pick([{ a: 1 }], undefined)).toEqual([{ a: 1 }]);
});

test('text is cut at a length, and never within a character', () => {
  expect(shorten('abc', 3)).toBe('abc');
  expect(shorten('abcd', 3)).toBe('abc…');
  expect(shorten('ab😀d', 3)).toBe('ab…');
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.nat(20), (text, length) => {
      const short = shorten(text, length);
      expect(() => encodeURIComponent(short)).not.toThrow();
      expect(short.length).toBeLessThanOrEqual(Math.max(length + 1, text.length <= length ? text.length : 0));
    }),
  );
});
