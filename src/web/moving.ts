/** The regions of the page in which `j` and `k` move. */
export type Region = 'rail' | 'board' | 'chat' | 'events' | 'pane';

const itemsIn = (region: Element) =>
  [...region.querySelectorAll<HTMLElement>('[data-item]')].filter((item) => item.offsetParent !== null);

/** Moves the focus to the next item of the region in which it is, or to the first of the board. */
export function move(by: 1 | -1): void {
  const { activeElement } = document;
  const region = activeElement?.closest('[data-region]') ?? document.querySelector('[data-region="board"]');
  if (!region) return;
  const items = itemsIn(region);
  const at = items.findIndex((item) => item === activeElement || item.contains(activeElement));
  const next = at === -1 ? (by === 1 ? 0 : items.length - 1) : Math.min(Math.max(at + by, 0), items.length - 1);
  focus(items[next]);
}

/** Moves the focus into a region: to its current item, or the first. */
export function enter(name: Region): void {
  const region = document.querySelector<HTMLElement>(`[data-region="${name}"]`);
  if (!region) return;
  const items = itemsIn(region);
  focus(
    items.find((item) => item.getAttribute('aria-current') === 'true') ??
      (name === 'chat' ? items.at(-1) : items[0]) ??
      region,
  );
}

/** The item that has the focus, in a region: its `data-item`. */
export function focused(name: Region): string | undefined {
  const item = document.activeElement?.closest<HTMLElement>(`[data-region="${name}"] [data-item]`);
  return item?.dataset.item;
}

function focus(element: HTMLElement | undefined): void {
  element?.focus({ preventScroll: true });
  element?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
}
