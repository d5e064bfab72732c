import type { Capability } from '../kernel/capability.ts';
import { activity } from './activity/index.ts';
import { agents } from './agents/index.ts';
import { catchup } from './catchup/index.ts';
import { channels } from './channels/index.ts';
import { events } from './events/index.ts';
import { inbox } from './inbox/index.ts';
import { memory } from './memory/index.ts';
import { messages } from './messages/index.ts';
import { presence } from './presence/index.ts';
import { recurring } from './recurring/index.ts';
import { reservations } from './reservations/index.ts';
import { searching } from './search/index.ts';
import { system } from './system/index.ts';
import { tasks } from './tasks/index.ts';
import { tools } from './tools/index.ts';
import { workflows } from './workflows/index.ts';

/** What the server can do, in order: a capability may use those before it. Adding one: a folder and a line here. */
export const capabilities = [
  agents,
  channels,
  inbox,
  tasks,
  presence,
  workflows,
  recurring,
  reservations,
  messages,
  memory,
  searching,
  tools,
  catchup,
  activity,
  events,
  system,
] as const satisfies readonly Capability[];
