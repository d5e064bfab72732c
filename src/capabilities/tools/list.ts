import { z } from 'zod';
import { type QueryContext, query } from '../../kernel/capability.ts';
import { Refusal } from '../../kernel/errors.ts';
import { capBytes, listInput, listOutput, shorten } from '../../kernel/page.ts';
import { allTools, findTool, type State, shown } from './find.ts';
import { Status, Tool, ToolName, ToolSummary } from './schema.ts';

type Summary = z.input<typeof ToolSummary>;

const { limit, cursor } = listInput(100, 1_000);

/** How well a tool fits words: more for its name; 0 where a word is nowhere. */
function scoreOf({ name, category, description }: Summary, words: readonly string[]): number {
  let sum = 0;
  for (const word of words) {
    if (name.toLowerCase().includes(word)) sum += 3;
    else if (category.toLowerCase().includes(word)) sum += 2;
    else if (description.toLowerCase().includes(word)) sum += 1;
    else return 0;
  }
  return sum;
}

/** The place after which a page begins. Throws `invalid_cursor`. */
function placeOf(cursor: string | undefined): number {
  if (cursor === undefined) return 0;
  if (/^\d{1,6}$/.test(cursor)) return Number(cursor);
  throw new Refusal('invalid_cursor', `"${cursor}" is no cursor of this list.`);
}

const list = query({
  name: 'tools.list',
  summary: 'The tools that are here, those that fit the words first; what is not ready says why.',
  http: ['GET /tools'],
  input: z.object({
    category: z.string().max(128).optional(),
    q: z.string().max(200).optional().describe('Words that its name, category or description holds, each.'),
    status: Status.optional(),
    limit,
    cursor,
  }),
  output: z.object({
    tools: z.array(ToolSummary),
    count: z.number().meta({ description: 'Of all that fit.' }),
    ...listOutput,
    statuses: z.record(z.string(), z.number()).meta({ description: 'How many of all tools have each status.' }),
    folders: z.array(z.object({ path: z.string(), tools: z.number(), error: z.string().optional() })),
    hint: z.string().optional(),
  }),
  async run({ category, q, status, limit, cursor }, context: QueryContext<State>) {
    const words = (q ?? '').toLowerCase().split(/\s+/).filter(Boolean);
    const all = (await allTools(context)).map((known): Summary => {
      const { input_schema, output_schema, endpoint, registeredAt, seq, ...summary } = shown(known);
      return { ...summary, description: shorten(summary.description, 500) };
    });
    const statuses: Record<string, number> = {};
    for (const tool of all) statuses[tool.status] = (statuses[tool.status] ?? 0) + 1;
    const fitting = all
      .filter((tool) => (category === undefined || tool.category === category) && (!status || tool.status === status))
      .map((tool) => ({ tool, score: words.length === 0 ? 1 : scoreOf(tool, words) }))
      .filter(({ score }) => score > 0)
      .sort((a, b) => b.score - a.score || (a.tool.name < b.tool.name ? -1 : 1))
      .map(({ tool }) => tool);
    const from = placeOf(cursor);
    const { taken } = capBytes(fitting.slice(from, from + limit), (each) => JSON.stringify(each).length);
    const next = from + taken.length;
    const { folders } = context.toolbox;
    return {
      tools: taken,
      count: fitting.length,
      ...(next < fitting.length && { more: true, cursor: String(next) }),
      statuses,
      folders: [...folders],
      ...(folders.length === 0 && { hint: 'No folder of tools is read: set TOOLS_DIR, for example to ./tools.' }),
    };
  },
});

const get = query({
  name: 'tools.get',
  summary: 'One tool, with the schema of its input.',
  http: ['GET /tools/:name'],
  input: z.object({ name: ToolName }),
  output: z.object({ tool: Tool }),
  run: async ({ name }, context: QueryContext<State>) => ({ tool: shown(await findTool(context, name)) }),
});

export const queries = [list, get];
