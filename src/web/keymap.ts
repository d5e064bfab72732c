import { COLUMNS, moveTask } from './columns.ts';
import { startWriting } from './composer.tsx';
import { showHelp } from './help.tsx';
import { togglePause } from './inspector.tsx';
import { addKeys } from './keys.ts';
import { me } from './me.ts';
import { focused, move } from './moving.ts';
import { askName } from './name.tsx';
import { newTask } from './new-task.tsx';
import { openPalette } from './palette.tsx';
import { panes } from './panes/index.ts';
import { refuseInPast } from './past.ts';
import { thread } from './rooms.ts';
import { go, leave, route } from './route.ts';
import { startSearch } from './search.tsx';
import { goTo, tab } from './tabs.tsx';

/** What is open is closed: the pane, then the thread. */
function close(): boolean {
  if (panes.some(({ name }) => name === route.value.pane)) leave();
  else if (thread.value !== undefined) thread.value = undefined;
  else return false;
  return true;
}

function open(): boolean {
  const message = focused('chat');
  if (message === undefined) return false;
  thread.value = message;
  return true;
}

addKeys(
  { keys: 'c', says: 'New task', group: 'Do', run: newTask },
  {
    keys: 'm',
    says: 'Write a message',
    group: 'Do',
    run() {
      if (refuseInPast()) return;
      tab.value = 'chat';
      if (me.value === undefined) askName();
      else startWriting();
    },
  },
  { keys: '/', says: 'Search', group: 'Do', run: startSearch },
  { keys: 'p', says: 'Pause the events, or go on', group: 'Do', run: togglePause },
  ...COLUMNS.map((status, i) => ({
    keys: String(i + 1),
    says: `Move the card to ${status}`,
    group: 'Do' as const,
    run() {
      if (refuseInPast()) return true;
      const id = focused('board');
      if (id === undefined) return false;
      void moveTask(id, status);
      return true;
    },
  })),
  { keys: 'Mod+k', says: 'Every operation', group: 'Do', run: openPalette },
  { keys: '?', says: 'This help', group: 'Do', run: showHelp },
  { keys: 'j', says: 'Next', group: 'Move', run: () => move(1) },
  { keys: 'k', says: 'Previous', group: 'Move', run: () => move(-1) },
  { keys: 'Enter', says: 'Open', group: 'Move', run: open },
  { keys: 'Escape', says: 'Close', group: 'Move', run: close },
  { keys: 'g b', says: 'Board', group: 'Go', run: () => goTo('board') },
  { keys: 'g c', says: 'Chat', group: 'Go', run: () => goTo('chat') },
  { keys: 'g e', says: 'Events', group: 'Go', run: () => goTo('events') },
  { keys: 'g r', says: 'Room: people and channels', group: 'Go', run: () => goTo('rail') },
  ...panes.flatMap(({ keys, title, name }) =>
    keys === undefined ? [] : [{ keys, says: title, group: 'Go' as const, run: () => go(name) }],
  ),
);
