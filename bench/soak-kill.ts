import { audit, auditRetries } from '../tests/durability/audit.ts';
import { type Acknowledged, startWriters } from '../tests/durability/writers.ts';
import { temporaryDirectory } from '../tests/support/directory.ts';
import { serverProcess } from '../tests/support/process.ts';

/** `npm run soak -- <loops>`: kills a server under concurrent writers again and again, and audits after each restart. */
async function main(loops: number): Promise<void> {
  using temp = temporaryDirectory();
  const acknowledged: Acknowledged[] = [];
  const env = { SEGMENT_MIB: '1' };
  for (let loop = 1; loop <= loops; loop++) {
    await using server = await serverProcess({ dir: temp.path, env });
    const { written, done } = startWriters(server.url, `l${loop}`);
    await new Promise((resolve) => setTimeout(resolve, 200 + Math.random() * 1_000));
    await server.end('SIGKILL');
    await done;
    acknowledged.push(...written.acknowledged);
    await using again = await serverProcess({ dir: temp.path, env });
    const wrong = [...(await auditRetries(again.url, written)), ...(await audit(again.url, acknowledged))];
    await again.end('SIGKILL');
    process.stdout.write(
      `loop ${loop} of ${loops}: ${acknowledged.length} acknowledged, ${wrong.length} lost, repeated or changed\n`,
    );
    if (wrong.length > 0) throw new Error(wrong.slice(0, 20).join('\n'));
  }
}

main(Number(process.argv[2] ?? 40)).catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
