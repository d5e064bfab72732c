import { z } from 'zod';
import { type Context, command, type QueryContext } from '../../kernel/capability.ts';
import { Refusal } from '../../kernel/errors.ts';
import type { Draft } from '../../kernel/event.ts';
import { AgentName, isShallow, wholeNumber } from '../../kernel/names.ts';
import type { ToolFault, ToolOutcome } from '../../kernel/toolbox.ts';
import { findTool, type Known, type State } from './find.ts';
import { Fault, ToolName } from './schema.ts';

/** Tools that call tools: how deep, how many for one call, and how many of them at once. */
const DEPTH = 4;
const NESTED = 100;
const AT_ONCE = 8;

const SECONDS = 600;

/** What is written down of a call: neither its input nor its result. */
interface Account {
  tool: string;
  /** Whose it is, where an agent registered it. */
  owner?: string;
  /** The tool that called it. */
  via?: string;
  durationMs: number;
  error?: ToolFault['code'];
}

interface Performed {
  outcome: ToolOutcome;
  accounts: Account[];
}

interface Call {
  name: string;
  agent: string;
  input: Record<string, unknown>;
  /** When it must be over, by `performance.now()`. */
  until: number;
  /** The tools that wait for it, the outermost first. */
  chain: readonly string[];
  /** The name of the last of them. */
  via?: string;
}

/** One call from outside, and all that tools call for it. */
class Calls {
  readonly accounts: Account[] = [];
  readonly #context: QueryContext<State>;
  #nested = 0;
  #now = 0;

  constructor(context: QueryContext<State>) {
    this.#context = context;
  }

  /** Throws Refusal where nothing was run. */
  async make(call: Call): Promise<ToolOutcome> {
    const { name, input, chain, via } = call;
    const { toolbox } = this.#context;
    const known = await findTool(this.#context, name);
    if (chain.includes(idOf(known))) return failed(`${[...chain, idOf(known)].join(' → ')} would go on for ever.`);
    if (known.kind === 'folder' && known.tool.status !== 'ready') {
      const { status, reason } = known.tool;
      throw new Refusal('tool_not_ready', `${name}: ${reason}.`, { extra: { tool_status: status, reason } });
    }
    await this.#checkInput(known, input);
    const began = performance.now();
    let outcome = await this.#run(known, call);
    const { output_schema } = known.tool;
    if (outcome.ok && output_schema) {
      const wrong = await toolbox.check(output_schema, outcome.result);
      if (wrong.length > 0) outcome = { ok: false, fault: { code: 'invalid_output', message: wordsOf(wrong) } };
    }
    const owner = known.kind === 'registered' ? known.tool.agent : undefined;
    this.accounts.push({
      tool: name,
      ...(owner !== undefined && { owner }),
      ...(via !== undefined && { via }),
      durationMs: Math.round(performance.now() - began),
      ...(!outcome.ok && { error: outcome.fault.code }),
    });
    return outcome;
  }

  async #checkInput({ tool, name }: Known, input: Record<string, unknown>): Promise<void> {
    const wrong = await this.#context.toolbox.check(tool.input_schema, input);
    if (wrong.length === 0) return;
    const errors = typeof wrong === 'string' ? [{ pointer: '', detail: wrong }] : wrong;
    throw new Refusal('invalid_tool_input', `${name}: ${wordsOf(wrong)}`, {
      errors: errors.map(({ pointer, detail }) => ({ pointer: `/input${pointer}`, detail })),
    });
  }

  async #run(known: Known, call: Call): Promise<ToolOutcome> {
    const { kind, tool } = known;
    const { name, agent, input, until, chain } = call;
    const { toolbox, connections } = this.#context;
    const ms = Math.max(Math.round(until - performance.now()), 1);
    if (kind === 'folder') {
      const inner = [...chain, idOf(known)];
      return toolbox.run(tool, {
        agent,
        input,
        ms,
        nested: chain.length > 0,
        call: (other, with_) => this.#callFor({ name: other, agent, input: with_, until, chain: inner, via: name }),
      });
    }
    const body = { tool: name, agent, input };
    if (tool.endpoint !== undefined) return toolbox.forward(tool.endpoint, body, ms);
    const reply = await connections.ask(tool.connection as string, { op: 'tools.call', input: body }, ms);
    if (reply.ok) return reply;
    return { ok: false, fault: { code: reply.code === 'busy' ? 'refused' : reply.code, message: reply.message } };
  }

  /** A call that a tool makes. Never throws: the tool is told. */
  async #callFor(call: Call): Promise<ToolOutcome> {
    if (call.chain.length >= DEPTH) return failed(`Tools call each other at most ${DEPTH} deep.`);
    if (++this.#nested > NESTED) return failed(`One call makes at most ${NESTED} others.`);
    if (this.#now >= AT_ONCE) return failed(`One call makes at most ${AT_ONCE} others at once.`);
    this.#now++;
    try {
      return await this.make(call);
    } catch (error) {
      if (error instanceof Refusal) return failed(error.message);
      throw error;
    } finally {
      this.#now--;
    }
  }
}

/** Which tool it is, by whichever name it was called. */
function idOf({ kind, tool, name }: Known): string {
  return kind === 'folder' ? tool.qualified : name;
}

function failed(message: string): ToolOutcome {
  return { ok: false, fault: { code: 'failed', message } };
}

function wordsOf(wrong: readonly { pointer: string; detail: string }[] | string): string {
  if (typeof wrong === 'string') return `its schema cannot be used: ${wrong}`;
  return wrong.map(({ pointer, detail }) => `${pointer.slice(1) || 'it'} ${detail}`).join('; ');
}

export const call = command({
  name: 'tools.call',
  summary: 'Runs a tool and waits for it. An answer with success false is of a call that was made and failed.',
  http: ['POST /tools/:name/call'],
  actor: 'agent',
  complaint: 'agent is required',
  input: z.object({
    name: ToolName,
    agent: AgentName.describe('Who calls.'),
    input: z
      .record(z.string(), z.unknown())
      .refine((value) => isShallow(value), 'nested more than 64 deep')
      .default({})
      .describe('What the tool takes: GET /tools/<name> shows its schema.'),
    timeout: wholeNumber(1, SECONDS)
      .optional()
      .describe(`Seconds that it may take, at most ${SECONDS}; TOOL_TIMEOUT_SECONDS unless said.`),
  }),
  output: z.union([
    z.object({ success: z.literal(true), result: z.unknown(), durationMs: z.number() }),
    z.object({ success: z.literal(false), error: Fault, durationMs: z.number() }),
  ]),
  async perform({ name, agent, input, timeout }, context: QueryContext<State>): Promise<Performed> {
    const seconds = timeout ?? (context.settings.TOOL_TIMEOUT_SECONDS as number | undefined) ?? 30;
    const calls = new Calls(context);
    const until = performance.now() + seconds * 1_000;
    const outcome = await calls.make({ name, agent, input, until, chain: [] });
    return { outcome, accounts: calls.accounts };
  },
  decide: (_, { actor }: Context<State>, { accounts }): Draft[] =>
    accounts.map((account) => ({
      type: account.error === undefined ? 'tool_called' : 'tool_failed',
      subject: account.tool,
      data: { ...account, agent: actor },
    })),
  answer(_, __: State, ___, { outcome, accounts }) {
    const durationMs = accounts.at(-1)?.durationMs ?? 0;
    return outcome.ok
      ? { success: true as const, result: outcome.result, durationMs }
      : { success: false as const, error: outcome.fault, durationMs };
  },
});
