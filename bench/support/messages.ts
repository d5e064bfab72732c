import type { Event } from '../../src/kernel/event.ts';

const AUTHORS = ['link', 'scout', 'harmony', 'echo', 'sage', 'kai', 'pixel', 'rhythm'];
const CHANNELS = ['general', 'problems', 'shipping', 'dev', 'decisions'];

/** What an agent sends. */
export const MESSAGE = {
  from: 'link',
  channel: 'general',
  content: 'Build 4711 is green on main; deploying it to staging.',
};

/** The event of the `seq`-th message, as the server makes it: about 300 bytes. */
export function messagePosted(seq: number, at: number, channel: string = CHANNELS[seq % 5] as string): Event {
  const from = AUTHORS[seq % AUTHORS.length] as string;
  const id = `msg-${at}-${seq.toString(36).padStart(9, '0')}`;
  return {
    seq,
    at,
    type: 'message_posted',
    actor: from,
    subject: id,
    data: { id, from, content: `Build ${seq} is green on main.`, timestamp: at, channel, reactions: {} },
  };
}
