// The server as it would be if nothing could be searched: what POST costs without the words.
interface Product {
  readConfig(environment: object): object;
  startNode(options: object): Promise<{ address: string }>;
  createLogger(level: string): object;
}

async function load<Name extends keyof Product>(file: string): Promise<Pick<Product, Name>> {
  return (await import(new URL(`../${file}.js`, import.meta.url).href)) as Pick<Product, Name>;
}

const { readConfig } = await load<'readConfig'>('config');
const { createLogger } = await load<'createLogger'>('logger');
const { startNode } = await load<'startNode'>('node');
const { address } = await startNode({
  config: readConfig(process.env),
  logger: createLogger('warn'),
  documents: `data:text/javascript,${encodeURIComponent('export const documents = [];')}`,
});
process.stdout.write(`  address   ${address}\nReady.\n`);
