import { signal } from '@preact/signals';
import { kept } from './kept.ts';

/** Who sits here: the name under which everything is written; undefined: only looks. */
export const me = signal<string | undefined>(kept.read('me'));

/** Takes a name for good, in this browser. */
export function becomes(name: string): void {
  kept.write('me', name);
  me.value = name;
}

/** True where a name is one that the server takes. */
export function isName(name: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/.test(name) && !['anonymous', 'system'].includes(name);
}
