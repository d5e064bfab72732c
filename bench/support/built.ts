type Source<T> = Promise<T>;

function load<T>(file: string): Source<T> {
  return import(new URL(`../../dist/${file}`, import.meta.url).href) as Source<T>;
}

/** Parts of the server as they are built, not as the loader that runs this benchmark would compile them. */
export const built = {
  event: () => load<typeof import('../../src/kernel/event.ts')>('kernel/event.js'),
  fileJournal: () => load<typeof import('../../src/kernel/journal/file-journal.ts')>('kernel/journal/file-journal.js'),
  config: () => load<typeof import('../../src/config.ts')>('config.js'),
  capabilities: () => load<typeof import('../../src/capabilities/index.ts')>('capabilities/index.js'),
  schema: () => load<typeof import('../../src/store/schema.ts')>('store/schema.js'),
  sqlite: () => load<typeof import('../../src/store/sqlite.ts')>('store/sqlite.js'),
  rows: () => load<typeof import('../../src/search/rows.ts')>('search/rows.js'),
  rowsPlan: () => load<typeof import('../../src/search/plan.ts')>('search/plan.js'),
  tokens: () => load<typeof import('../../src/search/tokens.ts')>('search/tokens.js'),
  node: () => load<typeof import('../../src/node.ts')>('node.js'),
  minilm: () => load<typeof import('../../src/search/semantic/minilm.ts')>('search/semantic/minilm.js'),
  vectors: () => load<typeof import('../../src/search/semantic/vectors.ts')>('search/semantic/vectors.js'),
  bareLog: () => load<typeof import('../bare/log.ts')>('bench/log.js'),
};
