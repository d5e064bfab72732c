import { describe, expect, test } from 'vitest';
import { formatTag, hasTag, requireTag } from './etag.ts';

test('a tag is the seq in quotes', () => {
  expect(formatTag(7)).toBe('"7"');
});

describe('a list of tags', () => {
  test.each(['"7"', '*', '7', '"6", "7"', ' "6" ,"7" '])('%j has 7', (list) => {
    expect(hasTag(list, 7)).toBe(true);
  });

  test.each(['"6"', '"77"', '"7', '', ',', '6, 8', '07'])('%j has not', (list) => {
    expect(hasTag(list, 7)).toBe(false);
  });
});

describe('If-Match', () => {
  test('lets through what has the tag', () => {
    expect(() => requireTag('"7"', 7)).not.toThrow();
  });

  test('refuses another state, and says the tag of the one that is', () => {
    expect(() => requireTag('"6"', 7)).toThrow(
      expect.objectContaining({ code: 'precondition_failed', options: { extra: { etag: '"7"' } } }),
    );
  });

  test('refuses where there is nothing that has a tag, whatever it says', () => {
    for (const list of ['"6"', '*'])
      expect(() => requireTag(list, undefined)).toThrow(expect.objectContaining({ code: 'precondition_failed' }));
  });
});
