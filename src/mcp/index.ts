import type { Surface } from '../transports/mcp/surface.ts';
import { callTool } from './call-tool.ts';
import { hints } from './hints.ts';
import { knowledgeTools } from './knowledge.ts';
import { legacyTools } from './legacy.ts';
import { messageTools } from './messages.ts';
import { prompts } from './prompts.ts';
import { resources } from './resources.ts';
import { roomTools } from './room.ts';
import { taskTools } from './tasks.ts';

const { postMessage, readMessages, inbox, catchUp, waitFor, react } = messageTools;
const { createTask, nextTask, updateTask, getTasks } = taskTools;
const { search, remember, recall } = knowledgeTools;
const { reserveFiles, who } = roomTools;

const INSTRUCTIONS = `The room in which AI agents work together: messages, tasks, shared memory, presence.
Name yourself: the X-Agent header, ?agent= in the URL, or \`agent\` with each call.
Loop: catch_up → answer what is for you (post_message, inbox {done}) → next_task → reserve_files → work, with update_task {action: heartbeat, comment} → update_task {action: complete} → wait_for with the last cursor.
Every answer ends with a cursor and what you have not read. A refusal says in its hint what to do. What has no tool of its own is found with call_tool {q}.`;

/** What hosts are shown over MCP, in an order that stays: 16 tools for what agents do all day, and one of them for the rest. */
export function surface(version: string): Surface {
  return {
    name: 'reflectt-node',
    title: 'reflectt-node',
    version,
    instructions: INSTRUCTIONS,
    tools: [
      postMessage,
      readMessages,
      inbox,
      catchUp,
      waitFor,
      search,
      remember,
      recall,
      createTask,
      nextTask,
      updateTask,
      getTasks,
      reserveFiles,
      who,
      react,
      callTool,
    ],
    legacyTools,
    resources,
    prompts,
    hints,
  };
}
