import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { config as loadDotenv } from 'dotenv';
import { readConfig } from '../../config.ts';
import { exportSqlite } from './export.ts';

loadDotenv({ quiet: true });

new Command('export:sqlite')
  .description('Writes messages, tasks and memories into a SQLite file of its own, also while the server runs.')
  .argument('<file>', 'a file that does not exist yet')
  .option('--data <dir>', 'the data directory, instead of DATA_DIR')
  .option('--private', 'direct messages, and memories that are an agent’s own, as well')
  .action((file: string, { data, private: withPrivate = false }: { data?: string; private?: boolean }) => {
    const index = join(resolve(data ?? readConfig(process.env).DATA_DIR), 'index.sqlite');
    const { seq, rows, left } = exportSqlite({ index, file: resolve(file), withPrivate, now: new Date() });
    const counts = Object.entries(rows).map(([name, n]) => `${n} ${name}`);
    process.stdout.write(`${file}: ${counts.join(', ')}, up to event ${seq}.\n`);
    if (left > 0) process.stdout.write(`${left} private rows were left out; --private takes them as well.\n`);
  })
  .parseAsync()
  .catch((error: Error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  });
