import type { FollowerPlan } from '../store/follower.ts';
import type { RowsData } from './rows.ts';
import { ROWS_SCHEMA } from './rows-schema.ts';

/** How the rows that are searched get into the index, given the address of the module that says what is searched. */
export function rowsPlan(documents: string, embedMessages = false): FollowerPlan {
  const suffix = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return {
    // Which messages are given a meaning is a part of the layout: with another answer the index is made anew.
    schema: `${ROWS_SCHEMA};\n/* every message: ${embedMessages} */`,
    module: new URL(`./rows.${suffix}`, import.meta.url).href,
    data: { documents, embedMessages } satisfies RowsData,
  };
}
