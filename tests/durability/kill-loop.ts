import { serverProcess } from '../support/process.ts';
import { allEvents, auditMessages, auditRetries } from './audit.ts';
import { auditWork, auditWorkRetries } from './audit-work.ts';
import { startWorkers, type Worked } from './workers.ts';
import { type Acknowledged, startWriters, type Written } from './writers.ts';

/** Kills a server under concurrent writers and workers, again and again in one directory. */
export class KillLoop {
  readonly #dir: string;
  #rounds = 0;
  /** Messages that were acknowledged, over all rounds. */
  readonly messages: Acknowledged[] = [];
  /** What workers were told, round by round. */
  readonly worked: Worked[] = [];

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Kills the server when `enough` is done; answers what is lost, done twice or changed when it is there again. */
  async round(enough: (written: Written) => Promise<unknown>): Promise<string[]> {
    const options = { dir: this.#dir, env: { SEGMENT_MIB: '1' } };
    const name = `l${this.#rounds++}`;
    await using server = await serverProcess(options);
    const { written, done: wrote } = startWriters(server.url, name);
    const { worked, done: rested } = startWorkers(server.url, name);
    await enough(written);
    await server.end('SIGKILL');
    await Promise.all([wrote, rested]);
    this.messages.push(...written.acknowledged);
    this.worked.push(worked);
    await using again = await serverProcess(options);
    const wrong = [...(await auditRetries(again.url, written)), ...(await auditWorkRetries(again.url, worked))];
    const events = await allEvents(again.url);
    wrong.push(...auditMessages(events, this.messages), ...(await auditWork(again.url, events, this.worked)));
    await again.end('SIGKILL');
    return wrong;
  }

  /** Claims that were acknowledged. */
  get taken(): number {
    return this.worked.reduce((sum, { taken }) => sum + taken.length, 0);
  }

  /** Tasks whose completion was acknowledged. */
  get completed(): number {
    return this.worked.reduce((sum, { completed }) => sum + completed.length, 0);
  }
}
