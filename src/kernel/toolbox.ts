import type { FieldError } from './errors.ts';

/** JSON Schema: draft 2020-12 where `$schema` says so, else draft-07. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** `ready`: it can be called. Every other status has a reason. */
export const TOOL_STATUSES = ['ready', 'needs_package', 'needs_host_module', 'needs_env', 'invalid'] as const;
export type ToolStatus = (typeof TOOL_STATUSES)[number];

/** A tool that was found in a folder. */
export interface FoundTool {
  /** By which it is called; `category.name` where several have that name. */
  name: string;
  /** Its name beside which it also answers to `category.name`. */
  qualified: string;
  category: string;
  description: string;
  status: ToolStatus;
  /** What is missing or wrong, where it is not ready. */
  reason?: string;
  input_schema: JsonSchema;
  output_schema?: JsonSchema;
}

/** A folder of tools, as TOOLS_DIR names it. */
export interface ToolFolder {
  path: string;
  tools: number;
  /** Why nothing of it is there. */
  error?: string;
}

/** Why a call that was made did not end well. */
export const TOOL_FAULTS = [
  'failed',
  'timeout',
  'crashed',
  'out_of_memory',
  'invalid_output',
  'too_large',
  'unreachable',
  'refused',
  'gone',
  'stopped',
] as const;

export interface ToolFault {
  code: (typeof TOOL_FAULTS)[number];
  message: string;
  /** The last that it printed, where it ended by itself. */
  output?: string;
}

/** What came of a call. */
export type ToolOutcome = { ok: true; result: unknown } | { ok: false; fault: ToolFault };

export interface ToolRequest {
  agent: string;
  input: Record<string, unknown>;
  /** Milliseconds that it may take. */
  ms: number;
  /** True where another tool calls it: it goes on beside that one. */
  nested: boolean;
  /** Calls another tool for the one that runs. */
  call(name: string, input: Record<string, unknown>): Promise<ToolOutcome>;
}

/** Finds tools in folders and runs them, away from this process; sends calls to those that others serve. */
export interface Toolbox {
  /** The tools of all folders by name; waits for the first look. */
  tools(): Promise<readonly FoundTool[]>;
  /** The tool of this name, or of this `category.name`. */
  find(name: string): Promise<FoundTool | undefined>;
  /** The folders; none where TOOLS_DIR is not set. */
  readonly folders: readonly ToolFolder[];
  /** What is wrong with a value by a schema; a text where the schema cannot say. */
  check(schema: JsonSchema, value: unknown): Promise<FieldError[] | string>;
  /** What is wrong with a schema. */
  checkSchema(schema: JsonSchema): Promise<string | undefined>;
  /** Runs a tool that is ready in a process of its own. Throws Refusal `rate_limited`. */
  run(tool: FoundTool, request: ToolRequest): Promise<ToolOutcome>;
  /** Why calls may not be sent to this URL. */
  refusesEndpoint(url: string): string | undefined;
  /** Sends a call as POST with JSON. Throws Refusal `rate_limited`. */
  forward(endpoint: string, body: Record<string, unknown>, ms: number): Promise<ToolOutcome>;
  /** Ends what runs, and waits until nothing of it is left. */
  close(): Promise<void>;
}
