import { describe, expect, test } from 'vitest';
import { pages } from '../docs/generate.ts';
import { capabilities } from '../src/capabilities/index.ts';
import { CATALOGUE } from '../src/kernel/errors.ts';
import { CLOSE } from '../src/transports/ws/close-codes.ts';
import { filesBelow, type Module, modules, readText } from './support/source.ts';

const all = modules();
const source = all.filter(({ path }) => !path.endsWith('.test.ts'));
const order = capabilities.map(({ name }) => name);

/** Where a module lives: `kernel`, `capabilities/messages`, `main.ts` … */
function partOf(path: string): string {
  const [, first = '', second = ''] = path.split('/');
  if (first === 'capabilities' && !second.endsWith('.ts')) return `capabilities/${second}`;
  // Tools that open a stopped node's data directory are processes of their own, as main.ts is.
  if (first === 'cli' && ['export', 'import', 'journal'].includes(second)) return `cli/${second}`;
  return first;
}

/** Parts that may be imported beside the own one, and packages; `node:` is everywhere. */
const MAY: Record<string, { parts: string[]; packages: RegExp }> = {
  kernel: { parts: [], packages: /^(?:zod|nanoid|sorted-btree)$/ },
  store: { parts: ['kernel'], packages: /^@photostructure\/sqlite$/ },
  search: { parts: ['kernel', 'store'], packages: /^/ },
  views: { parts: ['kernel'], packages: /(?!)/ },
  transports: {
    parts: ['kernel'],
    packages: /^(?:fastify|@fastify\/[\w-]+|ws|zod|nanoid|secure-json-parse|@modelcontextprotocol\/(?:server|node))$/,
  },
  mcp: { parts: ['kernel', 'transports'], packages: /^zod$/ },
  tools: { parts: ['kernel', 'store'], packages: /^(?:ajv|esbuild)(?:\/|$)/ },
  integrations: { parts: ['kernel'], packages: /^/ },
  client: { parts: [], packages: /^(?:eventsource-parser|ws)$/ },
  cli: { parts: ['client'], packages: /^/ },
  web: { parts: ['client'], packages: /^/ },
  'config.ts': { parts: ['kernel'], packages: /^zod$/ },
  'logger.ts': { parts: [], packages: /^pino$/ },
};
const EVERYTHING = new Set(['main.ts', 'node.ts', 'capabilities', 'cli/export', 'cli/import', 'cli/journal']);
const PUBLIC = /\/(?:index|state|schema)\.ts$/;

function mayImport(from: string, { target, local, typeOnly }: Module['imports'][number]): boolean {
  const part = partOf(from);
  if (target.startsWith('node:')) return !(part.startsWith('capabilities/') && from.endsWith('/state.ts'));
  if (EVERYTHING.has(part)) return true;
  const to = local ? partOf(target) : '';
  if (local && to === part) return true;
  if (part.startsWith('capabilities/')) {
    if (!local) return /^(?:zod|nanoid|croner|minimatch)$/.test(target);
    if (to === 'kernel') return true;
    const [, own = ''] = part.split('/');
    const [, other = ''] = to.split('/');
    return to.startsWith('capabilities/') && order.indexOf(other) < order.indexOf(own) && PUBLIC.test(target);
  }
  // A page knows the server by the client and by types.
  if (part === 'web' && typeOnly) return true;
  // The client knows the server by its types alone; what folds state imports types only, and folds anywhere.
  if (part === 'client' && (typeOnly || /^src\/capabilities\/[^/]+\/state\.ts$/.test(target)))
    return !local || to === 'kernel' || to.startsWith('capabilities') || target === 'zod';
  const rule = MAY[part];
  if (part === 'search' && to === 'store') return typeOnly || /^src\/store\/(?:sqlite|threads)\.ts$/.test(target);
  return rule !== undefined && (local ? rule.parts.includes(to) : rule.packages.test(target));
}

describe('the house', () => {
  test('has parts that import each other in one direction only', () => {
    const wrong = source.flatMap((module) =>
      module.imports.filter((each) => !mayImport(module.path, each)).map(({ target }) => `${module.path} → ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  test('has no circular imports at run time', () => {
    const graph = new Map(
      source.map(({ path, imports }) => [
        path,
        imports.filter(({ local, typeOnly }) => local && !typeOnly).map(({ target }) => target),
      ]),
    );
    const done = new Set<string>();
    const cycles: string[] = [];
    const visit = (path: string, trail: string[]) => {
      const at = trail.indexOf(path);
      if (at !== -1) cycles.push([...trail.slice(at), path].join(' → '));
      if (at !== -1 || done.has(path)) return;
      for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
      done.add(path);
    };
    for (const path of graph.keys()) visit(path, []);
    expect(cycles).toEqual([]);
  });

  test('folds state with types only, so that a browser can fold it too', () => {
    const states = source.filter(({ path }) => /^src\/capabilities\/[^/]+\/state\.ts$/.test(path));
    expect(states.length).toBeGreaterThan(0);
    const values = states.flatMap(({ path, imports }) =>
      imports.filter(({ typeOnly }) => !typeOnly).map(({ target }) => `${path} → ${target}`),
    );
    expect(values).toEqual([]);
  });

  test('lists every capability folder once', () => {
    const folders = new Set(
      source.map(({ path }) => /^src\/capabilities\/([^/]+)\//.exec(path)?.[1]).filter((name) => name !== undefined),
    );
    expect([...folders].sort()).toEqual([...order].sort());
  });

  test('has kebab-case file names', () => {
    const files = ['src', 'tests', 'bench', 'docs'].flatMap(filesBelow).filter((path) => /\.(?:ts|tsx|md)$/.test(path));
    const wrong = files.filter((path) => !/^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.test)?\.(?:ts|tsx|md)$/.test(baseOf(path)));
    expect(wrong).toEqual([]);
  });

  test('has names that say what a thing is', () => {
    const declared = /\b(?:class|interface|type|function|const)\s+([A-Za-z]\w*)/g;
    const empty = /(?:Manager|Service|Helpers?|Utils?|Base)$|^I[A-Z][a-z]/;
    const wrong = all.flatMap(({ path, text }) =>
      [...text.matchAll(declared)]
        .map(([, name = '']) => name)
        .filter((name) => empty.test(name))
        .map((name) => `${path}: ${name}`),
    );
    const files = all
      .filter(({ path }) => /(?:manager|service|helpers?|utils?|base)\.ts$/.test(path))
      .map(({ path }) => path);
    expect([...wrong, ...files]).toEqual([]);
  });

  test('has files that can be read in one sitting', () => {
    const long = all
      .map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }))
      .filter(({ lines }) => lines > 420);
    expect(long).toEqual([]);
  });

  test('leaves nothing for later in its comments', () => {
    const later = all.filter(({ text }) => /\/\/.*\b(?:TODO|FIXME|XXX|HACK)\b/.test(text)).map(({ path }) => path);
    expect(later).toEqual([]);
  });
});

function baseOf(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return name === 'README.md' ? 'readme.md' : name;
}

describe('the generated pages are what `npm run docs` writes', () => {
  test.each([...pages().keys()])('%s', (path) => {
    expect(readText(path)).toBe(pages().get(path));
  });

  test('and every WebSocket close code is explained', () => {
    const text = readText('docs/reference/websocket.md');
    const missing = Object.entries(CLOSE).filter(([, code]) => !text.includes(`| ${code} |`));
    expect(missing).toEqual([]);
  });
});

test('every error code is thrown somewhere', () => {
  const texts = source.filter(({ path }) => path !== 'src/kernel/errors.ts').map(({ path }) => readText(path));
  // What is thrown and is no Refusal becomes `internal`.
  const unused = Object.keys(CATALOGUE).filter(
    (code) => code !== 'internal' && !texts.some((text) => text.includes(`'${code}'`)),
  );
  expect(unused).toEqual([]);
});

interface Package {
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
}

describe('the packages', () => {
  const { dependencies, devDependencies } = JSON.parse(readText('package.json')) as Package;
  const declared = { ...dependencies, ...devDependencies };

  test('are named in package.json where the product imports them', () => {
    const wrong = source.flatMap(({ path, imports }) =>
      imports
        .filter(({ local, typeOnly, target }) => !local && !typeOnly && !target.startsWith('node:'))
        .map(({ target }) => /^(?:@[^/]+\/)?[^/]+/.exec(target)?.[0] ?? target)
        // The page is bundled: who runs it needs none of its packages.
        .filter((name) => !(name in (path.startsWith('src/web/') ? declared : dependencies)))
        .map((name) => `${path} → ${name}`),
    );
    expect(wrong).toEqual([]);
  });

  test('each have a reason in docs/decisions/libraries.md', () => {
    const text = readText('docs/decisions/libraries.md');
    expect(Object.keys(declared).filter((name) => !text.includes(`| ${name} |`))).toEqual([]);
  });

  test('have versions that are exact or within one major, as in the lock file', () => {
    const lock = JSON.parse(readText('package-lock.json')) as {
      packages: Record<string, Partial<Package> & { version?: string }>;
    };
    expect({ ...lock.packages['']?.dependencies, ...lock.packages['']?.devDependencies }).toEqual(declared);
    const loose = Object.entries(declared).filter(([, range]) => !/^\^?\d+\.\d+\.\d+$/.test(range));
    expect(loose).toEqual([]);
    const absent = Object.keys(declared).filter((name) => lock.packages[`node_modules/${name}`]?.version === undefined);
    expect(absent).toEqual([]);
  });
});
