import { z } from 'zod';
import type { QueryContext } from '../../kernel/capability.ts';
import { Refusal } from '../../kernel/errors.ts';
import { shorten } from '../../kernel/page.ts';
import type { MemoryState } from './state.ts';

/** What the writer is told of memories that mean nearly the same. */
export const Similar = z.object({
  similar: z
    .array(
      z.object({
        id: z.string(),
        similarity: z.number().meta({ description: 'Cosine: 1 means the same.' }),
        agent: z.string(),
        content: z.string().meta({ description: 'Its first characters.' }),
        key: z.string().optional(),
      }),
    )
    .meta({
      description: 'Memories that mean nearly the same, nearest first. They are not merged: supersede one, or not.',
    }),
  model: z
    .string()
    .nullable()
    .meta({ description: 'The model that compared them; null: there is none, and nothing was compared.' }),
  degraded: z
    .string()
    .optional()
    .meta({ description: 'Why nothing, or not everything, was compared though there is a model.' }),
});
type Similar = z.infer<typeof Similar>;

export const NOTHING_SIMILAR: Similar = { similar: [], model: null };

/** Milliseconds that a write waits for the model. */
const PATIENCE = 2_000;
/** Characters of a similar memory that are shown. */
const SHOWN = 280;
const MOST = 5;

/** Memories that the agent may read and that mean nearly the same. A write does not fail because it is not known. */
export async function similarTo(
  content: string,
  agent: string,
  { search, state }: Pick<QueryContext<MemoryState>, 'search' | 'state'>,
): Promise<Similar> {
  if (search === undefined) return NOTHING_SIMILAR;
  const timer = { stop: () => {} };
  const late = new Promise<Similar>((resolve) => {
    const timeout = setTimeout(
      () => resolve({ ...NOTHING_SIMILAR, degraded: `The model took longer than ${PATIENCE / 1_000} seconds.` }),
      PATIENCE,
    );
    timer.stop = () => clearTimeout(timeout);
  });
  const nearest = async (): Promise<Similar> => {
    const found = await search.similar(content, 'memory', agent);
    const similar = found.slice(0, MOST).flatMap(({ id, similarity }) => {
      const memory = state.memories.get(id);
      if (memory === undefined) return [];
      const { key } = memory;
      const shown = { id, similarity, agent: memory.agent, content: shorten(memory.content, SHOWN) };
      return [{ ...shown, ...(key !== undefined && { key }) }];
    });
    const { semantic } = await search.status();
    return { similar, model: semantic.model, ...(semantic.error !== undefined && { degraded: semantic.error }) };
  };
  try {
    return await Promise.race([nearest(), late]);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { ...NOTHING_SIMILAR, degraded: error.message };
  } finally {
    timer.stop();
  }
}
