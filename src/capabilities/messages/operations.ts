import { z } from 'zod';
import { type Context, command } from '../../kernel/capability.ts';
import { findAlive, findOwn } from './access.ts';
import { comment, comments, taskThread } from './comments.ts';
import { draftsOfPost, type PostState, postedBy } from './post.ts';
import { queries } from './reading.ts';
import { DeleteInput, EditInput, Message as MessageOutput, ReactInput, SendInput } from './schema.ts';
import { type MessagesState, reactors } from './state.ts';

type State = PostState;

const MessageAnswer = z.object({ success: z.literal(true), message: MessageOutput });

const send = command({
  name: 'messages.send',
  summary: 'Posts a message to a channel, to a thread, or to one agent.',
  http: ['POST /chat/messages'],
  actor: 'from',
  complaint: 'from and content are required',
  input: SendInput,
  output: MessageAnswer,
  decide(input, context: Context<State>) {
    return draftsOfPost(input, context);
  },
  answer: (events, state: State) => answerWith(state, postedBy(events)),
});

function answerWith(state: MessagesState, id: string): z.input<typeof MessageAnswer> {
  return { success: true, message: state.messages.get(id) as z.input<typeof MessageOutput> };
}

const edit = command({
  name: 'messages.edit',
  summary: 'Changes the text of a message; only its author may.',
  http: ['PATCH /chat/messages/:id'],
  actor: 'from',
  complaint: 'from and content are required',
  input: EditInput,
  output: MessageAnswer,
  decide({ id, from, content }, { state }: Context<State>) {
    const message = findOwn(state, id, from);
    if (message.content === content) return [];
    return [{ type: 'message_edited', subject: id, data: { id, channel: message.channel, from, content } }];
  },
  answer: (_, state: State, { id }) => answerWith(state, id),
});

const remove = command({
  name: 'messages.delete',
  summary: 'Deletes a message and leaves a tombstone; only its author may.',
  http: ['DELETE /chat/messages/:id'],
  actor: 'from',
  complaint: 'from is required',
  input: DeleteInput,
  output: z.object({ success: z.literal(true) }),
  decide({ id, from }, { state }: Context<State>) {
    const { channel, threadId } = findOwn(state, id, from);
    return [
      {
        type: 'message_deleted',
        subject: id,
        data: { id, channel, from, ...(threadId !== undefined && { threadId }) },
      },
    ];
  },
  answer: () => ({ success: true as const }),
});

const react = command({
  name: 'messages.react',
  summary: 'Adds a reaction, or takes it back.',
  http: ['POST /chat/messages/:id/react'],
  actor: 'from',
  complaint: 'emoji and from are required',
  input: ReactInput,
  output: MessageAnswer,
  decide({ id, from, emoji }, { state }: Context<State>) {
    const message = findAlive(state, id, from);
    const added = !reactors(message, emoji).includes(from);
    return [
      { type: 'message_reacted', subject: id, data: { id, channel: message.channel, emoji, agent: from, added } },
    ];
  },
  answer: (_, state: State, { id }) => answerWith(state, id),
});

const { list, get, thread, reactions } = queries;
export const operations = [send, list, get, thread, reactions, react, edit, remove, comments, comment, taskThread];
