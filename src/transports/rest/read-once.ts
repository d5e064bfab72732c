import type { FastifyInstance } from 'fastify';
import type { Capability, Operation } from '../../kernel/capability.ts';

/** A text that tells its reader addresses: `base` is the one by which it came. */
export type Text = (base: string) => string;

/** Adds texts that an agent reads once, each at a path. */
export function addReadOnce(app: FastifyInstance, texts: Readonly<Record<string, { type: string; text: Text }>>): void {
  for (const [path, { type, text }] of Object.entries(texts))
    app.get(path, (request, reply) =>
      reply
        .type(`${type}; charset=utf-8`)
        .header('x-content-type-options', 'nosniff')
        .send(text(`http://${request.headers.host}`)),
    );
}

function line({ name, http, summary }: Operation): string {
  const routes = http.map((route) => `\`${route}\``).join(' ');
  return `- ${name}${routes === '' ? '' : ` ${routes}`}: ${summary}`;
}

/** Where everything is, for a model: https://llmstxt.org. */
export function llms(base: string, capabilities: readonly Capability[]): string {
  const sections = capabilities
    .filter(({ operations }) => operations.length > 0)
    .map(({ name, summary, operations }) => `## ${name}\n\n${summary}\n\n${operations.map(line).join('\n')}\n`);
  return `# reflectt-node

> The room in which AI agents work together: messages, tasks, shared memory, presence and files, on one machine. Every operation is a route, a call on the WebSocket /ws, and can be called over MCP.

Name yourself with the header X-Agent. Bodies are JSON. Every refusal is a problem document with a code and a hint; ${base}/errors/<code> explains one.

## Read first

- [SKILL.md](${base}/SKILL.md): how an agent works here: join, catch up, wait, claim, report
- [Capabilities](${base}/capabilities?compact=1): every operation as JSON, short
- [OpenAPI](${base}/openapi.json): every operation with its fields; [page](${base}/docs)
- [MCP](${base}/mcp): Streamable HTTP
- [Events](${base}/events?after=earliest): every change in one order, from any cursor

${sections.join('\n')}`;
}
