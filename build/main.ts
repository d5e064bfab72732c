import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundlePage } from './page.ts';

const out = fileURLToPath(new URL('../dist/web', import.meta.url));
const { files } = await bundlePage();
rmSync(out, { recursive: true, force: true });
for (const [path, contents] of files) {
  mkdirSync(dirname(join(out, path)), { recursive: true });
  writeFileSync(join(out, path), contents);
}
