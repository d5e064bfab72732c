import { capabilities } from '../src/capabilities/index.ts';
import type { Operation } from '../src/kernel/capability.ts';
import { surface } from '../src/mcp/index.ts';
import type { ToolSpec } from '../src/transports/mcp/surface.ts';
import { describeTool } from '../src/transports/mcp/tool-list.ts';

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replace(/<(?=\w)/g, '&lt;');
}

function toolSection(tool: ToolSpec, operations: ReadonlyMap<string, Operation>): string {
  const { inputSchema, description } = describeTool(tool, operations);
  const rows = Object.entries(inputSchema.properties).map(([name, schema]) => {
    const type = [schema.type ?? 'any'].flat().join(' or ');
    const values = (schema.enum as unknown[] | undefined)?.filter((value) => value !== null).join(' ');
    const shown = tool.required?.includes(name) ? `**${name}**` : name;
    return `| ${shown} | ${type}${values ? `: ${values}` : ''} | ${cell(String(schema.description ?? ''))} |`;
  });
  const there = tool.operations.filter((name) => operations.has(name)).map((name) => `\`${name}\``);
  return `### ${tool.name}\n\n${cell(description)}\n\nProjects ${there.join(' ')}.\n\n| argument | | |\n|---|---|---|\n${rows.join('\n')}\n`;
}

/** The reference page of what MCP hosts are shown. */
export function mcpPage(): string {
  const operations = new Map<string, Operation>(
    capabilities.flatMap((capability) => capability.operations.map((each) => [each.name, each])),
  );
  const { tools, legacyTools, resources, prompts } = surface('');
  return `# MCP

\`/mcp\` speaks the Model Context Protocol over Streamable HTTP: revision 2026-07-28, and those that begin with a handshake (2025-11-25 and before), on one address.
\`npm run mcp\` is the same over stdin and stdout, for hosts that start a program. Hosts that start a program start a bridge, \`npm run mcp\`, which is the same over stdin and stdout. [How to connect a host](../guides/hosts.md).

You name yourself with the \`X-Agent\` header, with \`?agent=\` in the address, or with \`agent\` in each call; two that differ are refused.
Every answer has \`structuredContent\` and a short text, whose last line has the cursor at which it stands and what you have not read. A refusal is a result with \`isError\`, its \`code\`, \`detail\` and \`hint\`.
An argument that a tool does not know is refused: nobody else would tell a model that it was left out.

## Tools

${tools.map((tool) => toolSection(tool, operations)).join('\n')}
## Tools of the first reflectt-node

They answer as they did, and are listed with \`MCP_LEGACY_TOOLS=1\`: ${['create_task', 'update_task', ...legacyTools.map(({ name }) => name)].map((name) => `\`${name}\``).join(' ')}.

## Resources

Each can be watched: \`subscriptions/listen\`, or \`resources/subscribe\` in a session.

| uri | |
|---|---|
${resources.map(({ uri, description }) => `| \`${uri}\` | ${cell(description)} |`).join('\n')}

## Prompts

| prompt | arguments | |
|---|---|---|
${prompts.map(({ name, arguments: given, description }) => `| \`${name}\` | ${given.map((each) => (each.required ? `**${each.name}**` : each.name)).join(' ')} | ${cell(description)} |`).join('\n')}
`;
}
