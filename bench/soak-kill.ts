import { setTimeout as delay } from 'node:timers/promises';
import { KillLoop } from '../tests/durability/kill-loop.ts';
import { temporaryDirectory } from '../tests/support/directory.ts';

/** `npm run soak -- <rounds>`: kills a server under concurrent writers and workers again and again, and audits after each restart. */
async function main(rounds: number): Promise<void> {
  using temp = temporaryDirectory();
  const loop = new KillLoop(temp.path);
  for (let round = 1; round <= rounds; round++) {
    const wrong = await loop.round(() => delay(200 + Math.random() * 1_000));
    const { messages, taken, completed } = loop;
    process.stdout.write(
      `round ${round} of ${rounds}: ${messages.length} messages, ${taken} claims, ${completed} completions acknowledged, ${wrong.length} lost, repeated or changed\n`,
    );
    if (wrong.length > 0) throw new Error(wrong.slice(0, 20).join('\n'));
  }
}

main(Number(process.argv[2] ?? 40)).catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
