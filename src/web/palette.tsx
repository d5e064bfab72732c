import { signal } from '@preact/signals';
import type { ComponentType } from 'preact';
import { type Pane, panes } from './panes/index.ts';
import { sayWhy } from './say.tsx';

const open = signal(false);
/** Panes that say something without an id. */
const opens = panes.filter(({ keys }) => keys !== undefined);
const loaded = signal<ComponentType<{ opens: readonly Pane[]; onClose(): void }> | undefined>(undefined);

/** Opens the list of every operation; it is loaded when it is first wanted. */
export function openPalette(): void {
  open.value = true;
  if (loaded.value === undefined)
    import('./panes/all.ts').then(({ Palette: component }) => {
      loaded.value = component;
    }, sayWhy);
}

export function Palette() {
  const Content = loaded.value;
  if (!open.value || Content === undefined) return null;
  return (
    <Content
      opens={opens}
      onClose={() => {
        open.value = false;
      }}
    />
  );
}
