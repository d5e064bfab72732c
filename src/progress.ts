/**
 * Tells, at most once a second, how far the index is with the events that it lacks, how fast, and how much longer. Says
 * nothing of what takes less than a second.
 */
export function createProgress(
  say: (line: string) => void,
  clock: () => number = () => performance.now(),
): (done: number, total: number) => void {
  const began = clock();
  let last = began;
  return (done, total) => {
    const now = clock();
    if (now - last < 1_000 && done < total) return;
    if (done >= total && last === began && now - began < 1_000) return;
    last = now;
    const rate = done / ((now - began) / 1_000);
    say(
      `Reading the journal: ${done} of ${total} events (${Math.floor((100 * done) / total)} %), ${Math.round(rate)}/s, ${Math.ceil((total - done) / rate)} s left`,
    );
  };
}
