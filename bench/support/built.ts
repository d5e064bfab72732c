type Source<T> = Promise<T>;

function load<T>(file: string): Source<T> {
  return import(new URL(`../../dist/${file}`, import.meta.url).href) as Source<T>;
}

/** Parts of the server as they are built, not as the loader that runs this benchmark would compile them. */
export const built = {
  event: () => load<typeof import('../../src/kernel/event.ts')>('kernel/event.js'),
  fileJournal: () => load<typeof import('../../src/kernel/journal/file-journal.ts')>('kernel/journal/file-journal.js'),
  node: () => load<typeof import('../../src/node.ts')>('node.js'),
  bareLog: () => load<typeof import('../bare/log.ts')>('bench/log.js'),
};
