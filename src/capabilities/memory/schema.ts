import { z } from 'zod';
import { AgentName, EntityId } from '../../kernel/names.ts';

/** `memory-<ms>-<9 chars>` */
export const MemoryId = EntityId;

/** Characters of a memory at most; the event that carries it has a bound in bytes as well. */
const CONTENT = 100_000;
const SOURCE = 500;
/** Memories that one memory replaces at most. */
const SUPERSEDED = 100;

export const Content = z
  .string()
  .max(CONTENT, `at most ${CONTENT} characters`)
  .regex(/\S/, 'must not be empty')
  .describe(`What is to be remembered: Markdown or plain text, 1 to ${CONTENT} characters.`);
export const Scope = z.enum(['team', 'agent']);
export const Key = z.string().regex(/^[\w.:/-]{1,200}$/, '1 to 200 letters, digits, _ . : / -');
const Tag = z.string().regex(/^(?=.*\S)[^\p{C},]{1,128}$/u, '1 to 128 characters, none of them a comma or invisible');
export const Tags = z.array(Tag).max(64);
export const Source = z
  .string()
  .min(1)
  .max(SOURCE)
  .describe('Where it is from, in your words: a link, a file, a task.');
export const Supersedes = z
  .array(MemoryId)
  .max(SUPERSEDED)
  .describe('Memories of the same scope that this one replaces. They stay, marked, and are listed no more.');

/** Tags that a list asks for. */
export const TagList = z
  .union([z.string().transform((text) => text.split(',')), z.array(z.string())])
  .transform((tags) => [...new Set(tags.map((tag) => tag.trim()).filter(Boolean))])
  .refine((tags) => tags.length <= 16 && tags.every((tag) => tag.length <= 128), 'up to 16 tags, comma-separated')
  .meta({ description: 'With any of these tags, comma-separated.' });

/** A memory as every door shows it. */
export const Memory = z.object({
  id: MemoryId,
  agent: z.string().meta({ description: 'Who wrote it first, and whose it is.' }),
  content: z.string(),
  scope: Scope,
  key: z.string().optional(),
  tags: z.array(z.string()).optional(),
  source: z.string().optional(),
  createdAt: z.number().meta({ description: 'Milliseconds since 1970.' }),
  updatedAt: z.number().meta({ description: 'When its last version was written.' }),
  updatedBy: z.string().meta({ description: 'Who wrote its last version.' }),
  version: z.number(),
  supersedes: z.array(z.string()).optional().meta({ description: 'The memories that it replaces.' }),
  supersededBy: z.string().optional().meta({ description: 'The memory that replaces it.' }),
  seq: z.number().meta({ description: 'The event that wrote it first.' }),
  lastSeq: z.number().meta({ description: 'The event that last changed it; its ETag.' }),
});

/** Who wrote what of a memory, and when. */
export const Version = z.object({
  version: z.number(),
  agent: z.string().meta({ description: 'Who wrote it.' }),
  at: z.number().meta({ description: 'Milliseconds since 1970.' }),
  content: z.string(),
  tags: z.array(z.string()).optional(),
  source: z.string().optional(),
  seq: z.number().meta({ description: 'The event that wrote it.' }),
});

const stays = (why: string) => z.undefined(why).optional();

export const WriteInput = z.object({
  agent: AgentName.describe('Who writes.'),
  content: Content,
  key: Key.optional().describe(
    'A name of its own: where a living memory of this scope has it, this is its new version. Keys of the team are shared, keys of an agent are its own.',
  ),
  tags: Tags.optional(),
  scope: Scope.default('team').describe('team: everybody may read and change it. agent: its agent alone.'),
  source: Source.optional(),
  supersedes: Supersedes.optional(),
});

const CORRECT = 'stays as it was written; write a new memory that supersedes this one';

/** What a change says; null takes a field away, and what is not given stays. */
export const ChangeInput = z.object({
  id: MemoryId,
  agent: AgentName.describe('Who changes it.'),
  content: Content.optional(),
  tags: Tags.nullable().optional(),
  source: Source.nullable().optional(),
  key: stays(CORRECT).describe('Cannot be changed.'),
  scope: stays(CORRECT).describe('Cannot be changed.'),
});

export const DeleteInput = z.object({ id: MemoryId, agent: AgentName.describe('Who deletes it.') });
