import { braceExpand } from 'minimatch';

/** `**` among the names of a path, `*` among the characters of a name: any number of anything. */
const STAR = Symbol('*');
type Star = typeof STAR;

/** One character as its code point, or ranges of them: from, to, from, to … */
type Characters = number | readonly number[];

/** One name of a path: text or, where it has wildcards, each way to read it. */
type Name = string | readonly (readonly (Characters | Star)[])[];

const ANY_NAME: Name = [[STAR]];

/** Paths that one glob without braces stands for: names from the root down. */
type Names = readonly (Name | Star)[];

/** A glob, read: it stands for every path that one of these stands for. */
export type Glob = readonly Names[];

/** Paths that a glob with braces may stand for. */
export const MAX_ALTERNATIVES = 256;
/** Braces nested or in a row take long to expand. */
const MAX_BRACES = 16;

/** Every character of a name; `/` is in none. */
const ANY = [0, 0x2e, 0x30, 0x10ffff];
const SLASH: [number, number] = [0x2f, 0x2f];
const END: [number, number] = [0x110000, 0x110000];

/** How much may be compared before the answer is given up. */
export class Effort {
  left = 4_000_000;

  /** Throws {@link TooMuchEffort}. */
  spend(steps: number): void {
    this.left -= steps;
    if (this.left < 0) throw new TooMuchEffort();
  }
}

/** Whether globs overlap cannot be told in the time that there is. */
export class TooMuchEffort extends Error {}

/**
 * A glob in one form: relative, with `/` between names and no `.` among them; what ends with `/` is everything below.
 * Answers what is wrong where it is none.
 */
export function normalise(text: string): { glob: string } | { fault: string } {
  const path = text.normalize('NFC').replaceAll('\\', '/');
  if (/[\p{Cc}\p{Cs}]/u.test(path)) return { fault: 'has a control character' };
  if (path.startsWith('/') || /^[A-Za-z]:\//.test(path)) return { fault: 'must be relative, not absolute' };
  if (path.startsWith('!')) return { fault: 'must say what is reserved; ! is not understood' };
  if (/[!?*+@]\(/.test(path)) return { fault: 'has an extended pattern such as @(a|b); write {a,b}' };
  if (/\[[^\]]*\[:/.test(path)) return { fault: 'has a class by name such as [[:alpha:]]; write [a-z]' };
  if (path.split('{').length - 1 > MAX_BRACES) return { fault: `has more than ${MAX_BRACES} braces` };
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  if (path.endsWith('/') || names.length === 0) names.push('**');
  const glob = names.join('/');
  const all = expand(glob);
  if (all.length === 0 || all.some((each) => each.startsWith('/'))) return { fault: 'must name something relative' };
  if (all.some((each) => each.split('/').includes('..'))) return { fault: 'must not have .. in it' };
  if (all.length > MAX_ALTERNATIVES) return { fault: `stands for more than ${MAX_ALTERNATIVES} paths` };
  return { glob };
}

/** The paths that braces stand for. */
export function expand(glob: string): string[] {
  return [...new Set(braceExpand(glob, { braceExpandMax: MAX_ALTERNATIVES + 1 }))];
}

/** Reads a normal glob. */
export function read(glob: string): Glob {
  return expand(glob).map(readNames);
}

function readNames(path: string): Names {
  const names = path
    .split('/')
    .filter((name) => name !== '' && name !== '.')
    .map((name) => (name === '**' ? STAR : readName(name)));
  const last = names.at(-1);
  // `**` at the end is at least one name.
  if (last === STAR) names.splice(-1, 0, ANY_NAME);
  // What is named and not described may be a directory: then it is everything below it, too.
  else if (typeof last === 'string' || !/[*?]/.test(path.slice(path.lastIndexOf('/') + 1))) names.push(STAR);
  return names;
}

/** A name with a class is read in two ways, because there are files called `[id].ts`. */
function readName(name: string): Name {
  if (name === '*') return ANY_NAME;
  if (!/[*?[]/.test(name)) return name;
  const characters = [...name];
  const meant: (Characters | Star)[] = [];
  const written: (Characters | Star)[] = [];
  let classes = 0;
  for (let at = 0; at < characters.length; ) {
    const character = characters[at] as string;
    const group = character === '[' ? readClass(characters, at) : undefined;
    const token = character === '*' ? STAR : character === '?' ? ANY : codeOf(character);
    meant.push(group?.set ?? token);
    if (group === undefined) written.push(token);
    else written.push(...characters.slice(at, group.end).map(codeOf));
    classes += group ? 1 : 0;
    at = group?.end ?? at + 1;
  }
  return classes === 0 ? [meant] : [meant, written];
}

function codeOf(character: string): number {
  return character.codePointAt(0) as number;
}

/** The class that begins here, and where it ends; undefined where `[` is a character like any other. */
function readClass(characters: readonly string[], start: number): { set: Characters; end: number } | undefined {
  const negated = characters[start + 1] === '!' || characters[start + 1] === '^';
  const first = start + (negated ? 2 : 1);
  const ranges: [number, number][] = [];
  for (let at = first; at < characters.length; ) {
    if (characters[at] === ']' && at > first) {
      // Where all that stands in it is ranges from z to a, it is no character at all, negated or not.
      return { set: negated && ranges.length > 0 ? outside(ranges) : ranges.flat(), end: at + 1 };
    }
    const from = codeOf(characters[at] as string);
    const isRange = characters[at + 1] === '-' && characters[at + 2] !== undefined && characters[at + 2] !== ']';
    const to = isRange ? codeOf(characters[at + 2] as string) : from;
    if (from <= to) ranges.push([from, to]);
    at += isRange ? 3 : 1;
  }
  return undefined;
}

/** Every character of a name that is in none of these ranges. */
function outside(ranges: readonly [number, number][]): Characters {
  const set: number[] = [];
  let next = 0;
  for (const [from, to] of [...ranges, SLASH, END].sort(([a], [b]) => a - b)) {
    if (from > next) set.push(next, from - 1);
    next = Math.max(next, to + 1);
  }
  return set;
}

/** True where some path is one of both. Throws {@link TooMuchEffort}. */
export function overlap(a: Glob, b: Glob, effort: Effort): boolean {
  return a.some((each) => b.some((other) => meet(each, other, namesMeet, effort)));
}

function namesMeet(a: Name, b: Name, effort: Effort): boolean {
  if (typeof a === 'string' && typeof b === 'string') return a === b;
  if (a === ANY_NAME || b === ANY_NAME) return true;
  const readings = readingsOf(b);
  return readingsOf(a).some((each) => readings.some((other) => meet(each, other, charactersMeet, effort)));
}

function readingsOf(name: Name): Exclude<Name, string> {
  return typeof name === 'string' ? [Array.from(name, codeOf)] : name;
}

function charactersMeet(a: Characters, b: Characters, effort: Effort): boolean {
  if (typeof a === 'number') return typeof b === 'number' ? a === b : isIn(b, a, effort);
  if (typeof b === 'number') return isIn(a, b, effort);
  effort.spend((a.length * b.length) / 4);
  for (let i = 0; i < a.length; i += 2)
    for (let j = 0; j < b.length; j += 2)
      if ((a[i] as number) <= (b[j + 1] as number) && (b[j] as number) <= (a[i + 1] as number)) return true;
  return false;
}

function isIn(ranges: readonly number[], code: number, effort: Effort): boolean {
  effort.spend(ranges.length / 2);
  for (let i = 0; i < ranges.length; i += 2)
    if ((ranges[i] as number) <= code && code <= (ranges[i + 1] as number)) return true;
  return false;
}

/**
 * True where two sequences can be made the same one by putting any number of things for each star. Ends are compared
 * first: most sequences differ there. Of what is left, `row[j]` says whether `a` from `i` on and `b` from `j` on meet,
 * for one `i` after another from the last: no pattern makes it take longer than the product of both lengths.
 */
function meet<T>(
  a: readonly (T | Star)[],
  b: readonly (T | Star)[],
  same: (x: T, y: T, effort: Effort) => boolean,
  effort: Effort,
): boolean {
  let [from, endA, endB] = [0, a.length, b.length];
  effort.spend(1);
  for (; from < endA && from < endB && a[from] !== STAR && b[from] !== STAR; from++)
    if (!same(a[from] as T, b[from] as T, effort)) return false;
  for (; from < endA && from < endB && a[endA - 1] !== STAR && b[endB - 1] !== STAR; endA--, endB--)
    if (!same(a[endA - 1] as T, b[endB - 1] as T, effort)) return false;
  const width = endB - from;
  effort.spend(a.length - endA + from + (endA - from + 1) * (width + 1));
  let row = new Uint8Array(width + 1);
  let below = new Uint8Array(width + 1);
  for (let i = endA; i >= from; i--) {
    const swap = below;
    below = row;
    row = swap;
    const x = i < endA ? a[i] : undefined;
    for (let j = width; j >= 0; j--) {
      const y = j < width ? b[from + j] : undefined;
      let meets: boolean;
      if (x === undefined && y === undefined) meets = true;
      else if (x === STAR || y === STAR)
        meets = (x !== undefined && below[j] === 1) || (y !== undefined && row[j + 1] === 1);
      else meets = x !== undefined && y !== undefined && below[j + 1] === 1 && same(x as T, y as T, effort);
      row[j] = meets ? 1 : 0;
    }
  }
  return row[0] === 1;
}

/** Names of a path that the index knows at most: what is deeper stands with what is above it. */
const DEPTH = 8;

/** The first names of each path that a glob stands for, up to the first with wildcards: what it overlaps begins so, or with some of them. */
export function beginningsOf(glob: Glob): string[][] {
  return glob.map((names) => {
    const end = names.findIndex((name) => typeof name !== 'string');
    return names.slice(0, Math.min(end === -1 ? names.length : end, DEPTH)) as string[];
  });
}
