import { signal } from '@preact/signals';
import type { Region } from './moving.ts';

/** The region over which the pointer is: nothing in it changes its place meanwhile. */
export const pointed = signal<Region | undefined>(undefined);

addEventListener('pointerover', ({ target, pointerType }) => {
  if (pointerType === 'touch') return;
  pointed.value = (target as Element).closest<HTMLElement>('[data-region]')?.dataset.region as Region | undefined;
});

document.documentElement.addEventListener('pointerleave', () => {
  pointed.value = undefined;
});

/** Keeps a list in the order that it had while the pointer is over its region; what is new comes last. */
export function steady<T>(region: Region, idOf: (item: T) => string): (items: readonly T[]) => readonly T[] {
  let places = new Map<string, number>();
  return (items) => {
    const placeOf = (item: T) => places.get(idOf(item)) ?? Number.MAX_SAFE_INTEGER;
    const shown = pointed.value === region ? [...items].sort((a, b) => placeOf(a) - placeOf(b)) : items;
    places = new Map(shown.map((item, i) => [idOf(item), i]));
    return shown;
  };
}
