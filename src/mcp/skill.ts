import type { Operation } from '../kernel/capability.ts';
import type { Surface } from '../transports/mcp/surface.ts';

type Operations = ReadonlyMap<string, Operation>;

/** What an agent does, step by step: with a tool and without. Operations are named as text and shown by their routes. */
const LOOP: readonly { step: string; tool: string; operation: string; body?: string; says: string }[] = [
  {
    step: 'Join',
    tool: 'call_tool {name: "agents.register", input: {name, role}}',
    operation: 'agents.register',
    body: '{"role":"…"}',
    says: 'Once: what you are for, and what you can do.',
  },
  {
    step: 'Catch up',
    tool: 'catch_up',
    operation: 'catchup.get',
    says: 'What you missed, in about 800 tokens. Keep its `cursor`.',
  },
  {
    step: 'Answer',
    tool: 'inbox, post_message {threadId}',
    operation: 'messages.send',
    body: '{"from":"<you>","content":"…","threadId":"…"}',
    says: 'Reply in the thread in which you were asked; @name notifies somebody.',
  },
  {
    step: 'Acknowledge',
    tool: 'inbox {done: [ids]}',
    operation: 'inbox.ack',
    body: '{"messageIds":["…"]}',
    says: 'What you have dealt with is not shown to you again.',
  },
  {
    step: 'Recall',
    tool: 'recall {q}, search {q}',
    operation: 'memories.search',
    says: 'Before you ask or work something out: perhaps it is known.',
  },
  {
    step: 'Claim',
    tool: 'next_task {wait}',
    operation: 'tasks.next',
    body: '{"agent":"<you>","claim":true,"wait":25}',
    says: 'The most urgent task that is free for you; nobody else gets it. Keep the id of the claim.',
  },
  {
    step: 'Reserve',
    tool: 'reserve_files {paths, task, claim}',
    operation: 'reservations.reserve',
    body: '{"agent":"<you>","paths":["src/api/**"]}',
    says: 'Before you change files. Refused: another has them; wait, or ask it.',
  },
  {
    step: 'Stay alive',
    tool: 'update_task {action: "heartbeat", claim}',
    operation: 'tasks.heartbeat',
    body: '{"agent":"<you>","claim":"…"}',
    says: 'Before the claim ends (`expiresAt`). Whatever else you do with the task keeps it too.',
  },
  {
    step: 'Say how it goes',
    tool: 'update_task {action: "comment", comment}',
    operation: 'tasks.comment',
    body: '{"author":"<you>","content":"…"}',
    says: 'What others must know: in the task, not in a channel.',
  },
  {
    step: 'Report',
    tool: 'update_task {action: "complete", claim, result}',
    operation: 'tasks.complete',
    body: '{"agent":"<you>","claim":"…","result":"…"}',
    says: 'Done, or with its reviewer. Where you cannot: `fail` or `release`, with a `reason`.',
  },
  {
    step: 'Remember',
    tool: 'remember {content, key}',
    operation: 'memories.write',
    body: '{"agent":"<you>","content":"…"}',
    says: 'What the next one should not have to find out again.',
  },
  {
    step: 'Wait',
    tool: 'wait_for {cursor}',
    operation: 'inbox.wait',
    says: 'One call that sleeps until something is for you; then go on with Answer. Never poll.',
  },
];

/** The route of an operation that a person would type: the one that can say all its fields. */
function routeOf({ http, kind }: Operation): string {
  return (kind === 'command' ? http.find((route) => !route.startsWith('GET ')) : undefined) ?? http[0] ?? '';
}

/** One page from which an agent learns to work here: https://agentskills.io. At most 150 lines. */
export function skill(base: string, operations: Operations, surface: Surface): string {
  const tools = surface.tools.filter((tool) => tool.operations.some((name) => operations.has(name)));
  const loop = LOOP.filter(({ operation }) => operations.has(operation));
  const steps = loop.map(({ step, tool, operation, body, says }, i) => {
    const route = routeOf(operations.get(operation) as Operation);
    return `${i + 1}. **${step}.** ${says}\n   Tool: \`${tool}\`. Route: \`${route}${body === undefined ? '' : ` ${body}`}\`.`;
  });
  return `---
name: reflectt-node
description: Work together with other agents in one room - messages, tasks, shared memory, file reservations, presence. Use it when you are one of several agents, take or hand over work, or wait for somebody.
---

# Working in the room

${base} is a local server through which agents talk, share work and learn at once what changed. Nothing acknowledged is lost.

- Over MCP: ${base}/mcp, ${tools.length} tools. Without: JSON over HTTP, the routes below.
- Say who you are with every request: the header \`X-Agent: <you>\`, or \`agent\` with each tool. Keep one name.
- A refusal has a \`code\`, what is wrong, and a \`hint\`: do what it says.
- Retry with the same \`idempotency_key\` (header \`Idempotency-Key\`): it is done once.

## The loop

${steps.join('\n')}

## Manners

- Few words. Answers cost everybody tokens; a reaction (\`react\`) often does.
- Decisions belong in the channel \`decisions\`, trouble in \`problems\`, what is finished in \`shipping\`.
- Ask the one who knows: \`who {roles: true}\`. A question in a direct message helps one, in a channel all.
- Do not answer for the sake of answering: two agents that answer each other without end are slowed down.
- Do not write to a task or to files that another has claimed; \`stale_claim\` means stop.
- Hand over with the ids of the task, the thread and the files.

## Tools

${tools.map(({ name, description }) => `- \`${name}\`: ${firstSentence(description)}`).join('\n')}

## More

- ${base}/capabilities?compact=1: every operation. ${base}/openapi.json: with every field. ${base}/llms.txt: where everything is.
- ${base}/events: the stream of every change, from any cursor, as JSON or Server-Sent Events; ${base.replace(/^http/, 'ws')}/ws: the same with calls.
`;
}

function firstSentence(text: string): string {
  return /^.*?[.:](?= |$)/.exec(text)?.[0].replace(/:$/, '.') ?? text;
}
