import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface Import {
  /** A path in the repository, or the name of a package or of a part of Node. */
  target: string;
  local: boolean;
  /** True where nothing of it is left at run time. */
  typeOnly: boolean;
}

export interface Module {
  /** In the repository: `src/kernel/event.ts`. */
  path: string;
  text: string;
  imports: Import[];
}

const IMPORT = /^(?:import|export)\s+(?:(type)\s+)?(?:([^'";]*?)\s+from\s+)?'([^']+)'/gm;
// Not where it is the text of a program, after a quote.
const DYNAMIC = /(?<![\w'"`])import\('([^']+)'\)/g;

/** Every file of the repository below a folder, as paths in it; nothing where there is no such folder. */
export function filesBelow(folder: string): string[] {
  try {
    return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.parentPath.includes('node_modules'))
      .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
      .sort();
  } catch {
    return [];
  }
}

export function readText(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** Every TypeScript module below `src`, with what it imports. */
export function modules(): Module[] {
  return filesBelow('src')
    .filter((path) => path.endsWith('.ts') || path.endsWith('.tsx'))
    .map((path) => {
      const text = readText(path);
      return { path, text, imports: importsOf(path, text) };
    });
}

function importsOf(path: string, text: string): Import[] {
  const imports: Import[] = [];
  for (const [, type, names = '', target = ''] of text.matchAll(IMPORT)) {
    const specifiers = /^\{([\s\S]*)\}$/
      .exec(names.trim())?.[1]
      ?.split(',')
      .map((name) => name.trim())
      .filter(Boolean);
    const inline = specifiers !== undefined && specifiers.length > 0 && specifiers.every((n) => n.startsWith('type '));
    imports.push(resolve(path, target, type === 'type' || inline));
  }
  for (const [, target = ''] of text.matchAll(DYNAMIC)) imports.push(resolve(path, target, false));
  return imports;
}

function resolve(from: string, target: string, typeOnly: boolean): Import {
  const local = target.startsWith('.');
  return { target: local ? join(dirname(from), target).replaceAll('\\', '/') : target, local, typeOnly };
}
