import type { Operation } from '../../kernel/capability.ts';
import type { Event } from '../../kernel/event.ts';
import type { FilterInput } from '../../kernel/feed/filter.ts';

export type Input = Record<string, unknown>;
export type JsonSchema = Record<string, unknown>;

/** A call of one operation. */
export interface Step {
  operation: string;
  input: Input;
  /** True where the caller is not named: what is private is left out. */
  unnamed?: true;
  /** A query that is asked beside it, where one answer says only half. */
  beside?: { operation: string; input: Input };
}

/** What a tool says of an answer: fields for programs, lines for a context window. */
export interface Told {
  fields: object;
  lines: readonly string[];
  /** Without the last line, of cursor and counts. */
  bare?: true;
  /** The call was made, and what it called did not do it. */
  failed?: true;
}

/** An argument: what to say of the operation's field of this name, or a schema of its own. */
export type ArgumentSpec = string | { says: string; schema: JsonSchema };

/** A tool: a projection of operations of the table, which it knows by name. */
export interface ToolSpec {
  name: string;
  /** For a model that must choose: what it does, and when to use it. */
  description: string;
  /** What a host may assume of a call. */
  effect: 'reads' | 'writes' | 'destroys';
  /** The same call twice is the same as once. */
  idempotent?: true;
  /** Operations that a call may become, the usual one first. */
  operations: readonly string[];
  /** Beside `agent`, and `idempotency_key` where it writes. */
  arguments: Readonly<Record<string, ArgumentSpec>>;
  /** Further fields of the operations that are taken and not shown: what is rarely needed costs every model its place. */
  alsoTakes?: readonly string[];
  required?: readonly string[];
  /** The answer is shortened until it holds at most `max_tokens`: a list of these names. */
  lists?: readonly string[];
  /** Input with which it is only looked how much there is, where asking changes something. */
  probe?: Input;
  /** True where the call may wait long. */
  waits?(input: Input): boolean;
  /** Which operation a call becomes; the first with the arguments as its input where absent. May throw a Refusal. */
  plan?(input: Input, operations: ReadonlyMap<string, Operation>): Step;
  /** What is said of the answer; the answer itself where absent. */
  tell?(answer: never, step: Step, beside: unknown): Told;
}

/** Something that can be read and watched by its URI: a projection of one query. */
export interface ResourceSpec {
  /** `inbox://{agent}`, or a URI without a variable. */
  uri: string;
  name: string;
  title: string;
  description: string;
  /** The query that shows it. */
  read(value: string): Step;
  /** The events that change it, for a reader: any of these filters; `where` looks at the event itself. */
  watch(value: string, reader: string | undefined): readonly { filter: FilterInput; where?(event: Event): boolean }[];
}

/** A text that a person picks to begin with. */
export interface PromptSpec {
  name: string;
  title: string;
  description: string;
  arguments: readonly { name: string; description: string; required?: true }[];
  render(values: Readonly<Record<string, string>>): string;
}

/** All that hosts are shown. */
export interface Surface {
  name: string;
  title: string;
  version: string;
  instructions: string;
  tools: readonly ToolSpec[];
  /** Answered when they are called, listed only where the setting says so. */
  legacyTools: readonly ToolSpec[];
  resources: readonly ResourceSpec[];
  prompts: readonly PromptSpec[];
  /** What a model should do after a refusal, by its code, where the catalogue speaks of routes. */
  hints: Readonly<Record<string, string>>;
}
