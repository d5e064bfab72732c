import { z } from 'zod';
import { type Context, command, type IndexView, type QueryContext, query } from '../../kernel/capability.ts';
import { placeOf } from '../../kernel/cursor.ts';
import { AgentName } from '../../kernel/names.ts';
import { listInput, listOutput, pick } from '../../kernel/page.ts';
import { TASK_THREAD } from '../channels/state.ts';
import { findTask } from '../tasks/index.ts';
import { TaskId } from '../tasks/schema.ts';
import { answerList } from './listing.ts';
import { selectThread } from './notes.ts';
import { draftsOfPost, type PostState, postedBy } from './post.ts';
import { type MessageFilter, type MessageRow, selectMessages } from './projection.ts';
import { MessageId, Message as MessageOutput, SendInput } from './schema.ts';
import type { Message } from './state.ts';

type State = PostState;

/** A comment is a message in the thread of its task; `author` and `taskId` are its names in the original contract. */
const Comment = MessageOutput.extend({ author: z.string(), taskId: z.string() });

function toComment(message: Message, taskId: string): z.input<typeof Comment> {
  return { ...(message as z.input<typeof MessageOutput>), author: message.from, taskId };
}

export const comment = command({
  name: 'tasks.comment',
  summary: 'Posts a comment on a task: a message in the channel task:<id>.',
  http: ['POST /tasks/:id/comments'],
  actor: 'author',
  complaint: 'author and content are required',
  input: z
    .object({
      id: TaskId,
      author: AgentName.describe('Who speaks.'),
      content: SendInput.shape.content,
      threadId: MessageId.optional().describe('The comment that this one answers.'),
      metadata: SendInput.shape.metadata,
      attachments: SendInput.shape.attachments,
    })
    .refine(hasSomething, { path: ['content'], message: 'must not be empty where there are no attachments' }),
  output: z.object({ success: z.literal(true), comment: Comment }),
  decide({ id, author, ...said }, context: Context<State>) {
    findTask(context.state, id);
    return draftsOfPost({ ...said, from: author, channel: `${TASK_THREAD}${id}` }, context);
  },
  answer: (events, state: State, { id }) => ({
    success: true as const,
    comment: toComment(state.messages.get(postedBy(events)) as Message, id),
  }),
});

function hasSomething({ content, attachments }: { content: string; attachments?: unknown[] | undefined }): boolean {
  return content.length > 0 || (attachments?.length ?? 0) > 0;
}

const paging = { id: TaskId, ...listInput(200, 1_000) };

/** A page of what stands in a task's thread. */
async function pageOf(
  { id, limit, cursor, fields, compact }: z.infer<z.ZodObject<typeof paging>>,
  read: (view: IndexView, channel: string, filter: MessageFilter, limit: number) => MessageRow[],
  context: QueryContext<State>,
) {
  findTask(context.state, id);
  const filter = { beforeSeq: placeOf(cursor, context) };
  const rows = await context.index((view) => read(view, `${TASK_THREAD}${id}`, filter, limit + 1));
  return answerList(rows, limit, context.epoch, fields, compact);
}

function selectComments(view: IndexView, channel: string, filter: MessageFilter, limit: number): MessageRow[] {
  const { sql, params } = selectMessages({ ...filter, channel }, undefined, limit);
  return view.all<MessageRow>(sql, ...params);
}

export const comments = query({
  name: 'tasks.comments',
  summary: 'The newest comments on a task, oldest first.',
  http: ['GET /tasks/:id/comments'],
  input: z.object(paging),
  output: z.object({ comments: z.array(Comment.partial()), count: z.number(), ...listOutput }),
  async run({ fields, ...input }, context: QueryContext<State>) {
    const { messages, ...rest } = await pageOf(input, selectComments, context);
    const all = messages.map((message) => toComment(message as unknown as Message, input.id));
    return {
      comments: pick(all, fields),
      count: context.state.channels.get(`${TASK_THREAD}${input.id}`)?.count ?? 0,
      ...rest,
    };
  },
});

export const taskThread = query({
  name: 'tasks.thread',
  summary: 'Comments on a task and what became of it (claims, status, decisions), oldest first.',
  http: ['GET /tasks/:id/thread'],
  input: z.object(paging),
  output: z.object({ messages: z.array(MessageOutput.partial()), ...listOutput }),
  run: (input, context: QueryContext<State>) => pageOf(input, selectThread, context),
});
