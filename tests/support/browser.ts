import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { type Browser, chromium } from 'playwright-core';
import { ROOT } from './source.ts';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** False where the machine has no browser. In CI it has one, or the tests that need it fail. */
export const hasBrowser = existsSync(CHROMIUM) || process.env.CI !== undefined;

/** Starts the browser of the machine, without a window. */
export function openBrowser(): Promise<Browser> {
  // Who runs as root, in a container for example, has no sandbox.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ executablePath: CHROMIUM, args });
}

/** A module of the source as a page would load it, with all that it imports, as a script that sets `name`. */
export async function bundle(entry: string, name: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(ROOT, entry)],
    bundle: true,
    write: false,
    minify: true,
    format: 'iife',
    globalName: name,
    platform: 'browser',
    target: 'es2023',
  });
  return outputFiles[0]?.text as string;
}
