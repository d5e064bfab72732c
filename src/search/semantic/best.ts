/** Comes first where negative. */
export type Order = (a: number, b: number) => number;

/** The first `most` of the numbers below `count`, in order. */
export function firstOf(count: number, most: number, order: Order, takes: (i: number) => boolean): number[] {
  const first: number[] = [];
  for (let i = 0; i < count; i++) {
    if (!takes(i)) continue;
    if (first.length === most && order(first[most - 1] as number, i) < 0) continue;
    let [low, high] = [0, first.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (order(first[middle] as number, i) <= 0) low = middle + 1;
      else high = middle;
    }
    first.splice(low, 0, i);
    if (first.length > most) first.pop();
  }
  return first;
}
