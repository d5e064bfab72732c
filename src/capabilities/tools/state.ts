import type { Entities } from '../../kernel/collection.ts';
import type { Event } from '../../kernel/event.ts';

/** A tool that an agent brought: calls of it are sent to the endpoint, or down its connection. */
export interface RegisteredTool {
  name: string;
  /** Its owner. */
  agent: string;
  category: string;
  description: string;
  input_schema: Readonly<Record<string, unknown>>;
  output_schema?: Readonly<Record<string, unknown>>;
  endpoint?: string;
  /** The connection that answers calls; the tool is there as long as it is open. */
  connection?: string;
  /** When it was registered first: milliseconds since 1970. */
  registeredAt: number;
  /** The event that last changed it. */
  seq: number;
}

export interface ToolsState {
  tools: Entities<RegisteredTool>;
}

/** Folds the tools that agents brought. Calls change nothing here. */
export function apply(state: ToolsState, { type, at, seq, subject, data }: Event): void {
  const name = subject as string;
  if (type === 'tool_removed') state.tools.delete(name);
  if (type !== 'tool_registered') return;
  const registeredAt = state.tools.get(name)?.registeredAt ?? at;
  state.tools.put(name, { ...(data as unknown as RegisteredTool), registeredAt, seq });
}
