import { signal } from '@preact/signals';
import { enter, type Region } from './moving.ts';
import { isPast } from './past.ts';
import { rooms, unreadOf } from './rooms.ts';
import { leave } from './route.ts';
import { channels } from './store.ts';

type Tab = Exclude<Region, 'pane'>;

/** The panel that is shown where there is room for one. */
export const tab = signal<Tab>('board');

const TABS: readonly (readonly [Tab, string])[] = [
  ['rail', 'Room'],
  ['board', 'Board'],
  ['chat', 'Chat'],
  ['events', 'Events'],
];

/** Goes to a panel, also where it is not shown. */
export function goTo(region: Tab): void {
  if (isPast()) leave();
  tab.value = region;
  requestAnimationFrame(() => enter(region));
}

export function Tabs() {
  const unread = channels.value.length === 0 ? 0 : rooms.value.reduce((sum, room) => sum + unreadOf(room), 0);
  return (
    <nav class="tabs" aria-label="Panels">
      {TABS.map(([name, label]) => (
        <button
          key={name}
          type="button"
          aria-current={tab.value === name ? 'true' : undefined}
          onClick={() => {
            tab.value = name;
          }}
        >
          {label}
          {name === 'chat' && unread > 0 && <span class="badge">{unread > 99 ? '99+' : unread}</span>}
        </button>
      ))}
    </nav>
  );
}
