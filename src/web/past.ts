import { route } from './route.ts';
import { say } from './say.tsx';

/** True while the page shows what was, in place of what is. */
export function isPast(): boolean {
  return route.value.pane === 'past';
}

/** Says that what was cannot be changed; true where that is what is shown. */
export function refuseInPast(): boolean {
  if (!isPast()) return false;
  say({ kind: 'refused', text: 'This is the past: it can only be looked at.', hint: 'Escape goes back to now.' });
  return true;
}
