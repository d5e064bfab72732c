import { z } from 'zod';
import { capability, type LiveCollection, type QueryContext, query } from '../../kernel/capability.ts';
import { AgentName, wholeNumber } from '../../kernel/names.ts';
import { type Channel, type ChannelsState, DEFAULT_CHANNELS, findChannel, isDefault } from '../channels/state.ts';
import { type InboxState, inboxOf } from '../inbox/state.ts';
import { EVERY_TASK } from '../tasks/index.ts';
import type { Task } from '../tasks/state.ts';
import { BYTES_A_TOKEN, type Digest, digest, NOTHING } from './digest.ts';
import { beat } from './heartbeat.ts';
import { toMarkdown } from './render.ts';
import { bytesOf } from './room.ts';
import { CatchUp } from './schema.ts';

interface State extends Omit<InboxState, 'tasks' | 'channels'>, ChannelsState {
  channels: LiveCollection<Channel>;
  tasks: LiveCollection<Task>;
}

/** Bytes for the digits of totals, and of a cursor that is further on. */
const DIGITS = 40;

const catchUp = query({
  name: 'catchup.get',
  summary: 'What an agent missed, within a budget of tokens (a token is about 4 bytes): first what is addressed to it.',
  http: ['GET /catchup/:agent'],
  actor: 'agent',
  heartbeat: true,
  input: z.object({
    agent: AgentName.describe('Who catches up.'),
    after: z.string().max(64).optional().describe('From this cursor on. Unless said: from what it has acknowledged.'),
    budget: wholeNumber(300, 20_000).default(800).describe('Tokens of the answer at most.'),
  }),
  output: CatchUp,
  text: { type: 'text/markdown', render: toMarkdown },
  run({ agent, after, budget }, context: QueryContext<State>) {
    const { state, feed } = context;
    const from =
      after === undefined ? inboxOf(state as unknown as InboxState, agent).ackedUpTo : feed.locateOrRefuse(after);
    return context.index((view) => {
      const channels = [
        ...DEFAULT_CHANNELS.map((id) => findChannel(state, id) as Channel),
        ...[...state.channels.values()].filter(({ id }) => !isDefault(id)),
      ];
      const sources = { view, agent, channels, tasks: state.tasks.inOrder('updated', EVERY_TASK) };
      const answer = ({ upTo, ...told }: Digest) => {
        const cursor = feed.cursor(upTo);
        return {
          agent,
          ...told,
          cursor,
          more: upTo < view.seq,
          next: `GET /catchup/${agent}?budget=${budget}&after=${cursor}`,
          ack: `POST /inbox/${agent}/ack {"cursor":"${cursor}"}`,
        };
      };
      const frame = bytesOf(answer({ ...NOTHING, upTo: view.seq })) + DIGITS;
      return answer(digest(sources, { after: from, upTo: view.seq }, budget * BYTES_A_TOKEN - frame));
    });
  },
});

export const catchup = capability<State>()({
  name: 'catchup',
  summary: 'What an agent should know when it wakes up, in a few hundred tokens.',
  collections: [],
  operations: [catchUp, beat],
  events: {},
});
