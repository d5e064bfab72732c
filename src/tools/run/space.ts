import { lstatSync, realpathSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';

/** True where a path is the folder, or in it. Both are absolute and without `..`. */
function isIn(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way));
}

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** Where a path really leads; of what is not there yet, where its nearest folder leads. */
function realOf(path: string): string {
  let there = path;
  while (!exists(there)) there = dirname(there);
  // A link to nothing would be followed by whoever writes to it: this throws ENOENT.
  return join(realpathSync.native(there), relative(there, path));
}

/** The folders in which a tool works, as they really are (no links); nothing outside of them is touched for it. */
export interface Space {
  /** The folder of the agent that calls. */
  own: string;
  /** The name by which a tool knows it. */
  name: string;
  /** The folder that all agents share: `global`. */
  shared: string;
}

export class OutsideSpace extends Error {
  readonly code = 'OUTSIDE_SPACE';

  constructor(path: string) {
    super(`"${path.slice(0, 200)}" is outside of the space of this call.`);
    this.name = 'OutsideSpace';
  }
}

/**
 * The absolute path that a tool means: `(target, ...segments)` where the target is undefined, the name of the own
 * space or `global`, else all of it is a path in the own space. Throws {@link OutsideSpace} where it leads out: by `..`,
 * as an absolute path, or through a symbolic link.
 */
export function pathIn({ own, name, shared }: Space, target: unknown, segments: readonly unknown[]): string {
  const root = target === 'global' ? shared : own;
  const named = target === undefined || target === null || target === name || target === 'current';
  const parts = [...(named || target === 'global' ? [] : [target]), ...segments];
  const wrong = parts.find((part) => typeof part !== 'string' || part.includes('\0'));
  if (wrong !== undefined) throw new OutsideSpace(String(wrong));
  const [first = '', ...rest] = parts as string[];
  // What `resolvePath` gave out comes back as it is.
  const path = isAbsolute(first) ? join(first, ...rest) : join(root, first, ...rest);
  const folder = isIn(shared, resolve(path)) ? shared : own;
  const outside = !isIn(folder, resolve(path)) || rest.some((part) => isAbsolute(part) && part.length > 1);
  let real: string | undefined;
  try {
    real = outside ? undefined : realOf(resolve(path));
  } catch {}
  if (real === undefined || !isIn(folder, real)) throw new OutsideSpace(parts.join('/'));
  return resolve(path);
}
