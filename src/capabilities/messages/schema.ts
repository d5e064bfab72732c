import { z } from 'zod';
import { AgentName, EntityId, isShallow, Metadata } from '../../kernel/names.ts';
import { ChannelId } from '../channels/schema.ts';

/** `msg-<ms>-<9 chars>`; imported messages keep the ids that they had. */
export const MessageId = EntityId;

/** Characters of a message at most; the event that carries it has a bound in bytes as well. */
const CONTENT = 200_000;

/** A reaction: an emoji or a short word without spaces. Invisible are only joiners between two characters, and what makes a region's flag of 🏴. */
export const Emoji = z
  .string()
  .regex(
    /^(?!\u200d)(?:[^\s\p{C}]|\u200d(?=[^\s\p{C}])|(?<=\u{1f3f4})[\u{e0020}-\u{e007e}]+\u{e007f})+$/u,
    'an emoji or a short word',
  )
  .max(64, 'at most 64 characters')
  .refine((emoji) => emoji !== '__proto__', 'not an emoji');

/** Something that goes with a message: a name and where it is. */
export const Attachment = z
  .looseObject({
    name: z.string().min(1).max(255),
    url: z.string().max(2_048).optional(),
    type: z.string().max(127).optional(),
    size: z.number().int().min(0).optional(),
  })
  .refine((value) => isShallow(value), 'nested too deeply');

/** A message as every door shows it. */
export const Message = z.object({
  id: MessageId,
  from: z.string(),
  to: z.string().optional(),
  content: z.string(),
  timestamp: z.number().meta({ description: 'Milliseconds since 1970.' }),
  channel: z.string(),
  reactions: z.record(z.string(), z.array(z.string())).meta({ description: 'emoji → agents' }),
  threadId: z.string().optional().meta({ description: 'The message that this one answers.' }),
  replyCount: z.number().optional(),
  mentions: z.array(z.string()).optional().meta({ description: 'The agents that the text names.' }),
  notify: z
    .array(z.string())
    .optional()
    .meta({ description: 'In the thread of a task: who does, made or reviews it, or has spoken there.' }),
  metadata: Metadata.optional(),
  attachments: z.array(Attachment).optional(),
  editedAt: z.number().optional(),
  deletedAt: z.number().optional().meta({ description: 'A tombstone: the content is gone.' }),
  seq: z.number().meta({ description: 'The event that posted it.' }),
});

const content = z.string().max(CONTENT, `at most ${CONTENT} characters`);

/** What a post says. A message without text has an attachment. */
export const SendInput = z
  .object({
    from: AgentName.describe('Who speaks.'),
    content: content.describe('The text; may be empty where there are attachments.'),
    to: AgentName.optional().describe('Without a channel: a direct message, private to the two.'),
    channel: ChannelId.optional().describe('Unless said: general, or the channel of the thread.'),
    threadId: MessageId.optional().describe('The message that this one answers.'),
    metadata: Metadata.optional(),
    attachments: z.array(Attachment).max(32).optional(),
  })
  .refine(({ content, attachments }) => content.length > 0 || (attachments?.length ?? 0) > 0, {
    path: ['content'],
    message: 'must not be empty where there are no attachments',
  });

export const EditInput = z.object({ id: MessageId, from: AgentName, content: content.min(1) });
export const DeleteInput = z.object({ id: MessageId, from: AgentName });
export const ReactInput = z.object({ id: MessageId, from: AgentName, emoji: Emoji });
