import fc from 'fast-check';
import { braceExpand, Minimatch } from 'minimatch';
import { describe, expect, test } from 'vitest';
import { beginningsOf, Effort, MAX_ALTERNATIVES, normalise, overlap, read, TooMuchEffort } from './glob.ts';

const overlaps = (a: string, b: string) => overlap(read(a), read(b), new Effort());

/** What is wrong with a text that should be a glob, or the glob that it is. */
function normal(text: string): string {
  const result = normalise(text);
  return 'glob' in result ? result.glob : `! ${result.fault}`;
}

describe('two globs', () => {
  test.each([
    ['src/a.ts', 'src/a.ts'],
    ['src/*.ts', 'src/a.*'],
    ['src/**', '**/*.ts'],
    ['src/**', 'src/a/b/c.ts'],
    ['**', '.github/workflows/ci.yml'],
    ['a/**/z', 'a/z'],
    ['a/**/z', 'a/b/**'],
    ['**/b/**', 'a/**'],
    ['*a*', '*b*'],
    ['a*c', 'ab*'],
    ['?', '[!a]'],
    ['[a-f]x', '[f-k]x'],
    ['{a,b}/x', 'b/*'],
    ['{a,b/c}/x', 'b/*/x'],
    ['v{1..3}.md', 'v2.*'],
    ['*', '.env'],
    ['ü*', '*ö'],
    ['😀', '?'],
    ['(auth)/page.tsx', '*/page.tsx'],
    ['+page.svelte', '+*'],
    ['#a', '?a'],
    ['{{name}}/x', '*/x'],
  ])('overlap where some path is both: %s and %s', (a, b) => {
    expect([overlaps(a, b), overlaps(b, a)]).toEqual([true, true]);
  });

  test.each([
    ['src/a.ts', 'src/b.ts'],
    ['src/*.ts', 'src/*.md'],
    ['src/*.ts', 'src/a/b.ts'],
    ['src/**', 'tests/**'],
    ['*', 'a/b'],
    ['a/*', 'a/*/*'],
    ['a/**/z', 'b/**'],
    ['*/**', '*.md'],
    ['a*b', 'a*c'],
    ['[a-f]', '[g-k]'],
    ['[!a]', '[a]'],
    ['?', '??'],
    ['??', '😀'],
    ['{a,b}', '{c,d}'],
    ['A', 'a'],
    ['[z-a]', 'z'],
    ['(auth)/page.tsx', 'auth/page.tsx'],
  ])('do not where no path is: %s and %s', (a, b) => {
    expect([overlaps(a, b), overlaps(b, a)]).toEqual([false, false]);
  });

  test.each([
    ['src', 'src/auth/login.ts'],
    ['src/auth', 'src/**/*.ts'],
    ['packages/*/test', 'packages/core/test/a.ts'],
    ['{src,tests}', 'tests/a.ts'],
  ])('%s may be a directory, and is then what is below it: %s', (a, b) => {
    expect([overlaps(a, b), overlaps(b, a)]).toEqual([true, true]);
  });

  test('a name with brackets is also the file of that name', () => {
    for (const file of ['app/[id]/page.tsx', '[...slug].ts', '[[...slug]].ts', '[a]-[b]', '[*].md', 'a[', '[!x]']) {
      expect([file, overlaps(file, file)]).toEqual([file, true]);
      expect([file, overlaps(file, file.replaceAll('[', '[[]'))]).toEqual([file, true]);
    }
    expect(overlaps('app/[id]/page.tsx', 'app/i/page.tsx')).toBe(true);
    expect(overlaps('app/[id]/page.tsx', 'app/x/page.tsx')).toBe(false);
    expect(overlaps('[*].md', 'x.md')).toBe(false);
  });
});

describe('a glob', () => {
  test.each([
    ['./src//a.ts', 'src/a.ts'],
    ['src/./a.ts', 'src/a.ts'],
    ['src\\auth\\*.ts', 'src/auth/*.ts'],
    ['src/', 'src/**'],
    ['.', '**'],
    ['./', '**'],
    ['cafe\u0301', 'café'],
  ])('has one form: %j is %j', (text, glob) => {
    expect(normal(text)).toBe(glob);
    expect(normal(glob)).toBe(glob);
  });

  test.each([
    ['/etc/passwd', 'absolute'],
    ['C:\\x', 'absolute'],
    ['c:/x', 'absolute'],
    ['\\\\host\\share', 'absolute'],
    ['..', '..'],
    ['a/../b', '..'],
    ['a/{b,..}/c', '..'],
    ['{a,/etc}', 'relative'],
    ['{,}', 'relative'],
    ['a\0b', 'control'],
    ['a\nb', 'control'],
    ['\ud800', 'control'],
    ['!src/**', 'what is reserved'],
    ['src/!(a).ts', 'extended'],
    ['@(a|b)', 'extended'],
    ['[[:alpha:]]', 'by name'],
    ['{a,b}'.repeat(9), 'more than 256'],
    ['{1..999999999}', 'more than 256'],
    ['{'.repeat(17), 'braces'],
  ])('is not %j', (text, fault) => {
    expect(normal(text)).toMatch(/^! /);
    expect(normal(text)).toContain(fault);
  });

  test('begins with the names before its first wildcard, as deep as the index goes', () => {
    expect(beginningsOf(read('src/{a,b*}/c'))).toEqual([['src', 'a', 'c'], ['src']]);
    expect(beginningsOf(read('**/a'))).toEqual([[]]);
    expect(beginningsOf(read('1/2/3/4/5/6/7/8/9'))).toEqual([['1', '2', '3', '4', '5', '6', '7', '8']]);
  });
});

/** How minimatch is asked: as its globs are read here. */
const OPTIONS = { dot: true, nocomment: true, nonegate: true, noext: true, platform: 'linux' } as const;

/** True where a path is one of a glob, as minimatch says. */
function matcher(glob: string): (path: string) => boolean {
  const all = braceExpand(glob).flatMap((written) => {
    const each = written.replace(/\/+/g, '/').replace(/\/$/, '');
    const last = written.slice(written.lastIndexOf('/') + 1);
    return (/[*?]/.test(last) ? [each] : [each, `${each}/**`]).map((one) => new Minimatch(one, OPTIONS));
  });
  return (path) => all.some((each) => each.match(path));
}

const NAMES = ['a', 'b', 'aa', 'ab', 'ba', 'bb'];

/** Every path of up to so many names. */
function pathsOf(depth: number): string[] {
  if (depth === 1) return NAMES;
  const shorter = pathsOf(depth - 1);
  return [...new Set([...NAMES, ...shorter.flatMap((path) => NAMES.map((name) => `${path}/${name}`))])];
}

// Of two names with two tokens each, and of two paths with three names each, there is no shorter common one.
const PATHS = pathsOf(5);

const token = fc.constantFrom('a', 'b', '*', '?', '{a,b}', '{a,}', '{a,*}');
const name = fc.oneof(
  { weight: 4, arbitrary: fc.array(token, { minLength: 1, maxLength: 2 }).map((all) => all.join('')) },
  { weight: 1, arbitrary: fc.constantFrom('**', '{a,**}', '{a/b,b}') },
);
const glob = fc
  .array(name, { minLength: 1, maxLength: 3 })
  .map((all) => all.join('/'))
  .filter((text) => 'glob' in normalise(text));

test('two globs overlap where minimatch finds a path that is both, and nowhere else', { timeout: 120_000 }, () => {
  fc.assert(
    fc.property(glob, glob, (a, b) => {
      const [isA, isB] = [matcher(a), matcher(b)];
      const both = PATHS.find((path) => isA(path) && isB(path));
      expect([a, b, overlaps(a, b)]).toEqual([a, b, both !== undefined]);
    }),
    { numRuns: 300 },
  );
});

const member = fc
  .tuple(fc.constantFrom('a', 'b', 'c', 'd', '-', '!'), fc.option(fc.constantFrom('b', 'c', 'd'), { nil: undefined }))
  .map(([from, to]) => (to === undefined || to < from ? from : `${from}-${to}`));
const characterClass = fc
  .tuple(fc.constantFrom('', '!', '^', ']', '!]'), fc.array(member, { minLength: 1, maxLength: 3 }))
  .map(([not, members]) => `[${not}${members.join('')}]`);

/** Every visible character of ASCII that may be in a name, and one that is none. */
const CHARACTERS = Array.from({ length: 94 }, (_, i) => String.fromCharCode(0x21 + i)).filter((each) => each !== '/');
CHARACTERS.push('é');

test('two classes overlap where minimatch finds a character that is in both, or where they are written alike', () => {
  fc.assert(
    fc.property(characterClass, characterClass, (a, b) => {
      const [isA, isB] = [new Minimatch(a, OPTIONS), new Minimatch(b, OPTIONS)];
      const both = CHARACTERS.some((each) => isA.match(each) && isB.match(each));
      expect([a, b, overlaps(a, b)]).toEqual([a, b, both || a === b]);
    }),
    { numRuns: 2_000 },
  );
});

describe('a hostile glob', () => {
  test('of stars takes no more steps than the product of the lengths', () => {
    const effort = new Effort();
    for (const [a, b] of [
      [`${'*a'.repeat(255)}b`, `${'*a'.repeat(255)}c`],
      [`${'*a'.repeat(255)}*`, 'a'.repeat(254)],
      [`${'**/a/'.repeat(100)}*/b?`, `${'**/b/'.repeat(100)}*/a?`],
      [`*[!c]${'*a'.repeat(255)}*`, `*${'[ab]'.repeat(120)}*d?`],
    ] as const)
      overlap(read(a), read(b), effort);
    expect(new Effort().left - effort.left).toBeLessThan(4 * 512 * 512);
  });

  const all = '{a,b}'.repeat(8);

  test('of many alternatives is given up, and never called free', () => {
    const [a, b] = [read(`*${all}c*`), read(`${all}${'?'.repeat(50)}[ab]`)];
    expect(overlap(a, b, new Effort())).toBe(true);
    const c = read(`${all}${'[ab]'.repeat(50)}`);
    expect(() => overlap(a, c, new Effort())).toThrow(TooMuchEffort);
  });

  test('of large classes counts each of their ranges', () => {
    const [a, b] = ['0123456789', 'ABCDEFGHIJ'].map((some) => read(`*[${some.repeat(40)}]*`));
    const effort = new Effort();
    expect(overlap(a as never, b as never, effort)).toBe(true);
    expect(overlap(a as never, read(`[${'ABCDEFGHIJ'.repeat(40)}]?*[!0-9]`), effort)).toBe(true);
    expect(new Effort().left - effort.left).toBeGreaterThan(400 * 400);
  });

  test.each([
    `${'{x{a,b}'.repeat(8)}${'}'.repeat(20)}`,
    `${'{{'.repeat(8)}${','.repeat(200)}${'}}'.repeat(8)}`,
    '{1..99999999}'.repeat(16),
    `{${',a'.repeat(250)}}`,
  ])('of braces is read or refused, and expanded to so many paths at most: %s', (text) => {
    const result = normalise(text);
    if ('glob' in result) expect(read(result.glob).length).toBeLessThanOrEqual(MAX_ALTERNATIVES);
  });
});
