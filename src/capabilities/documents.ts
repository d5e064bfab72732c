import type { DocumentSource } from '../kernel/document.ts';
import { documentOf as memoryOf } from './memory/document.ts';
import { documentOf as messageOf } from './messages/document.ts';
import { documentOf as taskOf } from './tasks/document.ts';

/**
 * What is searched, and what of it. Threads of the index load this module by its address, so that what it imports must
 * be light: `document.ts` and `state.ts` of capabilities.
 */
export const documents: readonly DocumentSource[] = [
  { kind: 'messages', collection: 'messages', keep: 'history', of: messageOf },
  { kind: 'tasks', collection: 'tasks', keep: 'memory', of: taskOf },
  { kind: 'memory', collection: 'memories', keep: 'history', of: memoryOf },
];
