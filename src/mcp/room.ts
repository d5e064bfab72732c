import { wrong } from '../transports/mcp/call.ts';
import type { ToolSpec } from '../transports/mcp/surface.ts';
import { moreLine, paged } from './lines.ts';

interface Reservation {
  id: string;
  agent: string;
  paths: string[];
  mode: string;
  expiresAt: number;
}

const RESERVATION: Readonly<Record<string, string>> = {
  reserve: 'reservations.reserve',
  renew: 'reservations.renew',
  release: 'reservations.release',
  list: 'reservations.list',
};

const reserveFiles: ToolSpec = {
  name: 'reserve_files',
  description:
    'Reserve paths before you edit them, so that no two agents edit the same: refused where another has them, and says who. Release them when you are done (without `id`: all of yours). list: who has what.',
  effect: 'writes',
  operations: [...Object.values(RESERVATION), 'reservations.release_all'],
  arguments: {
    action: { says: 'Unless said: reserve.', schema: { type: 'string', enum: Object.keys(RESERVATION) } },
    paths: 'Paths and globs, as src/api/**.',
    mode: 'exclusive unless said.',
    ttl: 'Seconds; 3600 unless said.',
    wait: 'Seconds to wait for them, in turn; at most 25.',
    task: 'A task that you have claimed: ends with it.',
    claim: 'The id of that claim.',
    id: 'A reservation, to renew or release.',
    path: 'For list: what overlaps this.',
  },
  plan({ action = 'reserve', ...input }, operations) {
    const name = typeof action === 'string' && Object.hasOwn(RESERVATION, action) ? RESERVATION[action] : undefined;
    if (name === undefined) throw wrong('action', `one of ${Object.keys(RESERVATION).join(', ')}`);
    const operation = action === 'release' && input.id === undefined ? 'reservations.release_all' : name;
    for (const field in input)
      if (!(field in (operations.get(operation)?.input.shape ?? {})))
        throw wrong(field, `says nothing where the action is ${action}`);
    // Named, the caller would be what the list is limited to.
    return { operation, input, ...(action === 'list' && { unnamed: true as const }) };
  },
  tell(answer: {
    reservation?: Reservation;
    reservations?: Reservation[];
    count?: number;
    more?: boolean;
    cursor?: string;
  }) {
    const list = answer.reservation ? [answer.reservation] : answer.reservations;
    return {
      fields: answer.reservations ? paged(answer) : answer,
      lines: [
        ...(list?.map(
          ({ id, agent, paths, mode, expiresAt }) =>
            `[${id}] ${agent} (${mode}) until ${new Date(expiresAt).toISOString()}: ${paths.join(' ')}`,
        ) ?? ['released']),
        ...(answer.reservations ? moreLine(answer) : []),
      ],
    };
  },
};

interface Presence {
  agent: string;
  status: string;
  task?: string;
  lastUpdate?: number;
}

const who: ToolSpec = {
  name: 'who',
  description:
    'Who is online and doing what, or how one agent is (`name`). With `roles`: what each is for, to find whom to ask or to hand over to.',
  effect: 'reads',
  operations: ['presence.list', 'presence.get', 'agents.roles'],
  arguments: {
    name: { says: 'One agent.', schema: { type: 'string' } },
    roles: { says: 'true: names, aliases and roles.', schema: { type: 'boolean' } },
    status: 'Only agents of this status.',
    limit: 'Agents at most; 50 unless said.',
    cursor: 'An earlier `next_cursor`.',
  },
  lists: ['presences', 'agents'],
  plan({ name, roles, limit = 50, ...rest }) {
    if (name !== undefined) return { operation: 'presence.get', input: { agent: name }, unnamed: true };
    return roles
      ? { operation: 'agents.roles', input: { limit } }
      : { operation: 'presence.list', input: { ...rest, limit } };
  },
  tell(answer: {
    presence?: Presence | null;
    presences?: Presence[];
    agents?: { name: string; role?: string; aliases?: string[] }[];
    more?: boolean;
    cursor?: string;
  }) {
    const { presence, presences, agents } = answer;
    if (presence === null) return { fields: answer, lines: ['nothing is known of this agent'] };
    const list = presence ? [presence] : presences;
    return {
      fields: paged(answer),
      lines: [
        ...(list?.map(({ agent, status, task }) => `${agent}: ${status}${task ? ` (${task})` : ''}`) ?? []),
        ...(agents?.map(
          ({ name, role, aliases }) => `${name}${aliases?.length ? ` (${aliases.join(', ')})` : ''}: ${role ?? '-'}`,
        ) ?? []),
        ...(presence ? [] : moreLine(answer)),
      ],
    };
  },
};

export const roomTools = { reserveFiles, who };
