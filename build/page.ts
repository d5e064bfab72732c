import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** The files of the page by path: `index.html`, and what it loads, whose names change with what they say. */
export type PageFiles = ReadonlyMap<string, Uint8Array>;

/** Bundles the page, and answers which source files it is made of. */
export async function bundlePage(): Promise<{ files: PageFiles; sources: string[] }> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: { main: 'src/web/main.tsx', style: 'src/web/style.css', icon: 'src/web/icon.svg' },
    outdir: 'dist/web/assets',
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    assetNames: '[name]-[hash]',
    loader: { '.svg': 'copy' },
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'browser',
    target: ['chrome123', 'firefox121', 'safari17.5'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    minify: true,
    write: false,
    metafile: true,
    legalComments: 'none',
    logLevel: 'silent',
  });
  const files = new Map(
    outputFiles.map(({ path, contents }) => [`assets/${path.slice(path.lastIndexOf('/') + 1)}`, contents]),
  );
  let html = await readFile(join(ROOT, 'src/web/index.html'), 'utf8');
  for (const path of files.keys())
    html = html.replace(`{${path.replace(/^assets\/(\w+)-.*\.(\w+)$/, '$1.$2')}}`, `/${path}`);
  files.set('index.html', new TextEncoder().encode(html));
  return { files, sources: ['src/web/index.html', ...Object.keys(metafile.inputs)].map((path) => join(ROOT, path)) };
}

/** Bundles the page when it is asked for the first time, and again where a file that it is made of has changed. */
export function livePage(): () => Promise<PageFiles> {
  let made: Promise<{ files: PageFiles; sources: string[]; at: string }> | undefined;
  const make = async () => {
    const bundle = await bundlePage();
    return { ...bundle, at: await lastChange(bundle.sources) };
  };
  return async () => {
    const current = await made?.catch(() => undefined);
    if (current === undefined || current.at !== (await lastChange(current.sources))) made = make();
    return (await (made as ReturnType<typeof make>)).files;
  };
}

async function lastChange(paths: readonly string[]): Promise<string> {
  const times = await Promise.all(
    paths.map((path) =>
      stat(path).then(
        ({ mtimeMs }) => mtimeMs,
        () => 0,
      ),
    ),
  );
  return `${Math.max(...times)} ${times.filter((time) => time === 0).length}`;
}
