import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mentions } from './mentions.ts';

describe('somebody is mentioned', () => {
  test.each([
    '@link',
    'hi @link',
    'hi @LINK, look',
    '(@link)',
    '@link.',
    '@link...',
    'thanks @link!',
    '@linker and @link',
    'a\n@link\nb',
    '@link-',
    'über@nobody @link',
  ])('%j', (text) => {
    expect(mentions(text, 'link')).toBe(true);
  });

  test('also where the name has dots and dashes', () => {
    expect(mentions('ask @a.b-c.', 'a.b-c')).toBe(true);
  });
});

describe('nobody is mentioned', () => {
  test.each(['', 'link', '@linker', '@link2', 'mail@link', '@link.er', '@link-er', '@link_', '@ link', '@@', '@lin'])(
    '%j',
    (text) => {
      expect(mentions(text, 'link')).toBe(false);
    },
  );

  test('by a name that would be a pattern', () => {
    expect(mentions('@axc', 'a.c')).toBe(false);
  });
});

const name = fc.stringMatching(/^[A-Za-z0-9][\w.-]{0,15}$/);

test('a name between spaces is always found, and never by a name that only begins so', () => {
  fc.assert(
    fc.property(name, fc.string(), fc.string(), (name, before, after) => {
      expect(mentions(`${before} @${name} ${after}`, name)).toBe(true);
      expect(mentions(`@${name}x`, name)).toBe(false);
    }),
  );
});
