import { type Recollection, Sightings } from '../../src/kernel/sightings.ts';

/** What the server may see of an agent: signs of life, a stream or a request that waits, and their ends. */
export type Seen = 'seen' | 'acted' | 'opened' | 'closed' | 'goodbye' | 'waits' | 'answered' | Recollection;

/** Something that was seen of an agent, in the order in which it was. */
export interface Evidence {
  at: number;
  /** The seq that the next event gets; of an act, the seq of its first event. */
  seq: number;
  agent: string;
  seen: Seen;
}

/** The sightings that come of it. */
export function sightingsOf(evidence: readonly Evidence[]): Sightings {
  let now = { at: 0, seq: 0 };
  const nothing = () => {};
  const sightings = new Sightings({ wall: () => now.at, next: () => now.seq, before: nothing, after: nothing });
  const open = new Map<string, ((goodbye?: boolean) => void)[]>();
  const begin = (key: string, end: (goodbye?: boolean) => void) => open.set(key, [...(open.get(key) ?? []), end]);
  const end = (key: string) => open.get(key)?.shift() ?? nothing;
  for (const { agent, seen, ...mark } of evidence) {
    now = mark;
    if (seen === 'seen') sightings.seen(agent);
    else if (seen === 'opened') begin(`stream ${agent}`, sightings.opened(agent));
    else if (seen === 'closed' || seen === 'goodbye') end(`stream ${agent}`)(seen === 'goodbye');
    else if (seen === 'waits') begin(`wait ${agent}`, sightings.waits(agent));
    else if (seen === 'answered') end(`wait ${agent}`)();
    else if (seen === 'acted') sightings.acted(agent, mark.seq);
    else sightings.recall(agent, seen);
  }
  return sightings;
}
