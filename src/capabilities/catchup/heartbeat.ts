import { z } from 'zod';
import { type LiveCollection, type QueryContext, query } from '../../kernel/capability.ts';
import { AgentName } from '../../kernel/names.ts';
import { selectInbox } from '../inbox/index.ts';
import { type InboxState, inboxOf, unreadOf } from '../inbox/state.ts';
import { nextTask } from '../tasks/index.ts';
import type { Task } from '../tasks/state.ts';
import { BYTES_A_TOKEN } from './digest.ts';
import { bytesOf, oneLine, Room } from './room.ts';

interface State extends Omit<InboxState, 'tasks'> {
  tasks: LiveCollection<Task>;
}

/** Things of the inbox that a heartbeat tells. */
const SHOWN = 3;

const Slim = z.object({ id: z.string(), title: z.string(), status: z.string(), priority: z.string().optional() });

/** Tokens of a heartbeat at most. */
const TOKENS = 200;
/** How much is told of tasks: the first of these that leaves the heartbeat small. */
const TOLD = [
  { length: 60, tellsNext: true },
  { length: 20, tellsNext: true },
  { length: 20, tellsNext: false },
];

function slim({ id, title, status, priority }: Task, length: number): z.input<typeof Slim> {
  return { id, title: oneLine(title, length), status, ...(priority !== undefined && { priority }) };
}

function actionOf(active: Task | undefined, unread: number, next: Task | undefined): string {
  if (unread > 0) return 'read your inbox';
  if (active) return `go on with ${active.id}`;
  if (next) return `claim ${next.id}`;
  return 'wait: GET /wait/<you>';
}

export const beat = query({
  name: 'catchup.heartbeat',
  summary: 'A sign of life, answered in some 200 tokens with what to do next.',
  http: ['GET /heartbeat/:agent'],
  actor: 'agent',
  heartbeat: true,
  input: z.object({ agent: AgentName.describe('Who is alive.') }),
  output: z.object({
    agent: z.string(),
    ts: z.number(),
    active: Slim.nullable(),
    next: Slim.nullable(),
    inbox: z.array(z.object({ id: z.string(), from: z.string(), channel: z.string(), text: z.string() })),
    inboxCount: z.number(),
    queue: z.object({ todo: z.number(), doing: z.number(), validating: z.number() }),
    action: z.string(),
  }),
  async run({ agent }, context: QueryContext<State>) {
    const { state, now, head } = context;
    const { tasks } = state;
    const inboxes = state as unknown as InboxState;
    const inbox = inboxOf(inboxes, agent);
    const active = tasks.inOrder('updated', `assignee ${agent} doing`).next().value ?? undefined;
    const next = nextTask({ agent }, state as never);
    const { unread } = unreadOf(inboxes, agent);
    const window = { after: Math.max(inbox.ackedUpTo, inbox.readUpTo), upTo: head, since: 0, now };
    const entries =
      unread === 0
        ? []
        : await context.index((view) => selectInbox(view, inbox, window, ['high', 'medium', 'low'], SHOWN));
    const count = (status: string) => tasks.count('updated', `assignee ${agent} ${status}`);
    const base = ({ length, tellsNext }: (typeof TOLD)[number]) => ({
      agent,
      ts: now,
      active: active ? slim(active, length) : null,
      next: next && (tellsNext || !active) ? slim(next, length) : null,
      inboxCount: unread,
      queue: { todo: count('todo'), doing: count('doing'), validating: count('validating') },
      action: actionOf(active, unread, next),
    });
    const bytes = TOKENS * BYTES_A_TOKEN - bytesOf({ inbox: [] });
    const told = TOLD.map(base).find((each) => bytesOf(each) <= bytes) ?? base({ length: 0, tellsNext: false });
    const inboxItems = entries.map(({ message: { id, from, channel, content } }) => ({
      id,
      from,
      channel,
      text: oneLine(content, 50),
    }));
    return { ...told, inbox: new Room(bytes - bytesOf(told)).fill(inboxItems) };
  },
});
