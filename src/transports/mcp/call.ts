import { Refusal, toProblem } from '../../kernel/errors.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { Outcome } from '../../kernel/outcome.ts';
import { checkAgent } from '../../kernel/validate.ts';
import { fitted } from './fit.ts';
import type { Input, Surface, Told, ToolSpec } from './surface.ts';
import { sharedArguments } from './tool-list.ts';

/** What is known of a call beside its arguments. */
export interface CallContext {
  /** The agent that the connection named: header or parameter. */
  agent: string | undefined;
  /** Aborted when nobody waits for the answer any more. */
  signal?: AbortSignal | undefined;
  /** Longest wait in seconds; longer ones are asked for by clients that are shown progress. */
  maxWait: number;
}

/** What `tools/call` answers. */
export interface ToolResult {
  [key: string]: unknown;
  content: { type: 'text'; text: string }[];
  structuredContent?: Record<string, unknown>;
  isError?: boolean;
}

/** Told of a thrown value that is no refusal. */
export type OnBug = (error: unknown, tool: string) => void;

/** Calls tools: each call is a call of one operation, as on every door. */
export class ToolCaller {
  readonly #kernel: Kernel;
  readonly #surface: Surface;
  readonly #onBug: OnBug;
  readonly #tools = new Map<string, { tool: ToolSpec; known: ReadonlySet<string> }>();

  constructor(kernel: Kernel, surface: Surface, onBug: OnBug) {
    this.#kernel = kernel;
    this.#surface = surface;
    this.#onBug = onBug;
    // Where a tool of today has a name of the original, it is the one that is meant.
    for (const tool of [...surface.legacyTools, ...surface.tools])
      this.#tools.set(tool.name, {
        tool,
        known: new Set([
          ...Object.keys(tool.arguments),
          ...Object.keys(sharedArguments(tool)),
          ...(tool.alsoTakes ?? []),
        ]),
      });
  }

  has(name: string): boolean {
    return this.#tools.has(name);
  }

  /** True where the call may wait long. */
  waits(name: string, input: Input): boolean {
    const tool = this.#tools.get(name)?.tool;
    return tool?.waits?.(input) ?? (input.wait !== undefined && input.wait !== 0);
  }

  /** Calls a tool. A refusal is a result, so that a model can mend its call. */
  async call(name: string, input: Input, context: CallContext): Promise<ToolResult> {
    const known = this.#tools.get(name);
    try {
      if (known === undefined) throw new Error(`there is no tool ${name}`);
      return await this.#answer(known.tool, known.known, input, context);
    } catch (error) {
      if (!(error instanceof Refusal)) this.#onBug(error, name);
      return this.#refused(error, known?.tool);
    }
  }

  async #answer(
    tool: ToolSpec,
    known: ReadonlySet<string>,
    given: Input,
    { agent: connected, signal, maxWait }: CallContext,
  ): Promise<ToolResult> {
    requireKnown(tool, known, given);
    const { agent: named, idempotency_key: key, ...rest } = given;
    const { max_tokens: budget, ...own } = rest;
    const agent = agentOf(connected, named);
    if (key !== undefined && typeof key !== 'string') throw wrong('idempotency_key', 'a text');
    const step = tool.plan?.(tool.lists ? own : rest, this.#kernel.operations) ?? {
      operation: tool.operations[0] as string,
      input: own,
    };
    if ('wait' in (this.#kernel.operations.get(step.operation)?.input.shape ?? {})) limitWait(step.input, maxWait);
    const call = (input: Input): Promise<Outcome> =>
      this.#kernel.call(step.operation, input, {
        agent: step.unnamed ? undefined : agent,
        idempotencyKey: key,
        signal,
      });
    const { lists, probe } = tool;
    const outcome =
      budget === undefined || !lists
        ? await call(step.input)
        : await fitted(call, step.input, { lists, probe, tokens: budget });
    const { beside } = step;
    const other = beside && (await this.#kernel.call(beside.operation, beside.input, { agent, signal }));
    const told = tool.tell?.(outcome.value as never, step, other?.value);
    return this.#told(told ?? { fields: outcome.value as object, lines: [] }, outcome, agent ?? outcome.agent);
  }

  #told(told: Told, { seq, replayed }: Outcome, agent: string | undefined): ToolResult {
    const { fields, lines, bare, failed } = told;
    const cursor = (fields as { cursor?: string }).cursor ?? this.#kernel.feed.cursor(seq);
    const counters = agent === undefined ? {} : this.#kernel.counters(agent);
    const figures = Object.entries(counters).map(([name, n]) => ` · ${name}: ${n}`);
    const last = `cursor: ${cursor}${figures.join('')}`;
    return {
      ...(failed && { isError: true }),
      content: [{ type: 'text', text: (bare ? lines : [...lines, last]).join('\n') }],
      structuredContent: { ...fields, cursor, ...(agent !== undefined && { counters }), ...(replayed && { replayed }) },
    };
  }

  #refused(thrown: unknown, tool: ToolSpec | undefined): ToolResult {
    const { type: _, title: __, success: ___, error: ____, ...problem } = toProblem(thrown);
    const { hints } = this.#surface;
    const errors = problem.errors?.map(({ pointer, detail }) => ({ pointer: this.#renamed(pointer, tool), detail }));
    const hint = Object.hasOwn(hints, problem.code) ? (hints[problem.code] as string) : problem.hint;
    const detail = errors?.map(({ pointer, detail }) => `${pointer.slice(1) || 'input'}: ${detail}`).join('; ');
    const told = { ...problem, detail: detail || problem.detail, hint, ...(errors && { errors }) };
    const retry = thrown instanceof Refusal ? thrown.options.retryAfter : undefined;
    return {
      isError: true,
      content: [{ type: 'text', text: `${told.code}: ${told.detail}\nhint: ${hint}` }],
      structuredContent: { ...told, ...(retry !== undefined && { retry_after: retry }) },
    };
  }

  /** Who acts is `agent` here, whatever the operation calls it. */
  #renamed(pointer: string, tool: ToolSpec | undefined): string {
    const field = pointer.slice(1);
    const acting = tool?.operations.some((name) => this.#kernel.operations.get(name)?.actor === field);
    return acting && tool && !(field in tool.arguments) ? '/agent' : pointer;
  }
}

/** Who acts: what the connection said and what the call says must be one. */
export function agentOf(connected: string | undefined, named: unknown): string | undefined {
  if (named === undefined || named === null) return connected;
  if (typeof named !== 'string') throw wrong('agent', 'a text');
  const agent = checkAgent(named);
  if (connected !== undefined && connected !== agent)
    throw new Refusal('actor_mismatch', `You came as "${connected}", but agent says "${agent}".`);
  return agent;
}

/** A wrong argument, as a refusal. */
export function wrong(argument: string, detail: string): Refusal {
  return new Refusal('invalid_input', `${argument}: ${detail}`, { errors: [{ pointer: `/${argument}`, detail }] });
}

/** A model that misnames an argument is told: nobody else would notice that it was left out. */
function requireKnown(tool: ToolSpec, known: ReadonlySet<string>, given: Input): void {
  for (const name in given)
    if (!known.has(name))
      throw wrong(name.slice(0, 80), `${tool.name} has no such argument; it takes ${[...known].join(', ')}`);
  for (const name of tool.required ?? []) if (given[name] === undefined) throw wrong(name, 'is required');
}

/** A host gives up on a call long before an operation would: whoever waits is answered before. */
function limitWait(input: Input, most: number): void {
  for (const field of ['wait', 'timeout']) if (Number(input[field]) > most) input[field] = most;
}
