import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

/** Revisions of the protocol that tests speak: the one that is stateless, and one that begins with a handshake. */
export const ERAS = ['2026-07-28', '2025-11-25'] as const;
export type Era = (typeof ERAS)[number];

export interface McpOptions {
  era?: Era;
  /** Named in the header X-Agent. */
  agent?: string;
  headers?: Record<string, string>;
}

export interface McpResult {
  isError?: boolean;
  text: string;
  // Tests look into answers of every shape.
  // biome-ignore lint/suspicious/noExplicitAny: answers of every shape
  structured: any;
}

export interface McpClient extends AsyncDisposable {
  client: Client;
  call(name: string, input?: Record<string, unknown>): Promise<McpResult>;
}

/** A real client of /mcp. */
export async function mcpClient(url: string, options: McpOptions = {}): Promise<McpClient> {
  const { era = '2026-07-28', agent, headers = {} } = options;
  const client = new Client(
    { name: 'tests', version: '1.0.0' },
    { versionNegotiation: { mode: era === '2026-07-28' ? { pin: era } : 'legacy' } },
  );
  const transport = new StreamableHTTPClientTransport(new URL(`${url}/mcp`), {
    requestInit: { headers: { ...(agent !== undefined && { 'x-agent': agent }), ...headers } },
  });
  await client.connect(transport as never);
  return {
    client,
    async call(name, input = {}) {
      const { content, structuredContent, isError } = await client.callTool({ name, arguments: input });
      const [first] = content as { text?: string }[];
      return { ...(isError === true && { isError }), text: first?.text ?? '', structured: structuredContent };
    },
    async [Symbol.asyncDispose]() {
      await client.close();
    },
  };
}
