import { signal } from '@preact/signals';

/** Which pane is open, as the address says after its `#`: `#/task/task-1` is `{ pane: 'task', id: 'task-1' }`. */
export interface Route {
  pane: string | undefined;
  id: string | undefined;
}

function read(): Route {
  const [pane, id] = location.hash.replace(/^#\/?/, '').split('/');
  try {
    return { pane: pane || undefined, id: id === undefined ? undefined : decodeURIComponent(id) };
  } catch {
    return { pane: undefined, id: undefined };
  }
}

export const route = signal<Route>(read());

addEventListener('hashchange', () => {
  route.value = read();
});

/** The address of a pane, for links. */
export function hrefOf(pane: string, id?: string): string {
  return id === undefined ? `#/${pane}` : `#/${pane}/${encodeURIComponent(id)}`;
}

/** Opens a pane. */
export function go(pane: string, id?: string): void {
  location.hash = hrefOf(pane, id);
}

/** Closes whichever pane is open. */
export function leave(): void {
  history.pushState(null, '', location.pathname);
  route.value = read();
}
