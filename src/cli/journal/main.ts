import { Command, InvalidArgumentError } from 'commander';
import { config as loadDotenv } from 'dotenv';
import { readConfig } from '../../config.ts';
import { makeDirectory } from '../../kernel/journal/files.ts';
import { backUpJournal, exportJournal, repairJournal, restoreJournal, tailJournal, verifyJournal } from './commands.ts';
import { type DataDirectory, dataDirectory } from './directory.ts';

loadDotenv({ quiet: true });

const program = new Command('journal')
  .description('Looks after the journal of a data directory.')
  .option('--data <dir>', 'the data directory, instead of DATA_DIR');

function directory(): DataDirectory {
  return dataDirectory(program.opts<{ data?: string }>().data ?? readConfig(process.env).DATA_DIR);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function count(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('a whole number is needed');
  return Number(text);
}

program
  .command('verify')
  .description('read every line and say whether the journal is whole')
  .action(() => verifyJournal(directory(), say));

program
  .command('repair')
  .description('keep what is whole before the first damage; a new epoch begins')
  .option('--quarantine', 'really do it: the journal as it is goes to <data>/quarantine')
  .action(({ quarantine = false }: { quarantine?: boolean }) => repairJournal(directory(), quarantine, say));

program
  .command('tail')
  .description('print the last events')
  .option('-n <count>', 'how many', count, 10)
  .option('-f, --follow', 'go on with each new one')
  .action(({ n, follow = false }: { n: number; follow?: boolean }) => {
    const stop = new AbortController();
    process.once('SIGINT', () => stop.abort());
    process.once('SIGTERM', () => stop.abort());
    return tailJournal(directory(), { n, follow, signal: stop.signal }, say);
  });

program
  .command('export')
  .description('write every event as a JSON line')
  .argument('[file]', 'instead of standard output')
  .action((file: string | undefined) => exportJournal(directory(), file, say));

program
  .command('backup')
  .description('copy the journal, also while the server runs')
  .argument('<dir>', 'a directory that does not exist yet')
  .action((target: string) => backUpJournal(directory(), target, say));

program
  .command('restore')
  .description('put a backup in the place of the journal; a new epoch begins')
  .argument('<dir>', 'what `backup` wrote')
  .action((source: string) => {
    makeDirectory(directory().data);
    restoreJournal(directory(), source, say);
  });

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // Whoever read the output has enough of it: `| head`.
  if (error.code === 'EPIPE') process.exit(0);
});

program.parseAsync().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
});
