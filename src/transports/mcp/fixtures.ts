import type { ServerContext } from '@modelcontextprotocol/server';
import type { Input } from './surface.ts';

/** What the public conformance suite wants to find beside what a server is for. */
export interface Fixtures {
  tools: readonly FixtureTool[];
  resources: readonly { uri: string; name: string; mimeType: string }[];
  templates: readonly { uriTemplate: string; name: string; mimeType: string }[];
  /** The contents of a resource; undefined where it is none of these. */
  read(
    uri: string,
  ): { uri: string; mimeType: string; text: string } | { uri: string; mimeType: string; blob: string } | undefined;
  prompts: readonly FixturePrompt[];
  /** Throws where a state that comes back was not made here. */
  verify(state: string, context: ServerContext): Promise<unknown>;
}

export interface FixtureTool {
  listed: { name: string; description: string; inputSchema: { type: 'object'; [key: string]: unknown } };
  call(input: Input, context: ServerContext): unknown;
}

export interface FixturePrompt {
  listed: { name: string; description: string; arguments: { name: string; description: string; required: boolean }[] };
  get(values: Readonly<Record<string, string>>, context: ServerContext): unknown;
}
