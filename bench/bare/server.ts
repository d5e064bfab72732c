import { join } from 'node:path';
import Fastify from 'fastify';
import { BareLog } from './log.ts';

// What POST /chat/messages is measured against: the body is parsed, made durable, and answered. Nothing else.
const log = new BareLog(join(process.env.DATA_DIR as string, 'bodies.jsonl'));
let stored = 0;
const app = Fastify();
app.post('/chat/messages', async ({ body }) => {
  await log.append(body);
  stored++;
  return { success: true, message: body };
});
app.get('/health', async () => ({ chat: { totalMessages: stored } }));
process.stdout.write(`  address   ${await app.listen({ port: 0, host: '127.0.0.1' })}\nReady.\n`);
