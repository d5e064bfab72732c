/** What the model and the server do alike: one command, as a client sends it. */
export interface Call {
  /** The name of the operation. */
  op: string;
  input: Input;
  ifMatch?: string;
  key: string;
}

export interface Input {
  id?: string;
  agent?: string;
  author?: string;
  by?: string;
  createdBy?: string;
  claim?: string | boolean;
  takeover?: boolean;
  ttl?: number;
  title?: string;
  status?: Status;
  assignee?: string | null;
  reviewer?: string | null;
  priority?: string | null;
  due?: number | null;
  position?: number | null;
  parent?: string | null;
  tags?: string[] | null;
  blocked_by?: string[] | null;
  verdict?: string;
  result?: string;
  reason?: string;
  content?: string;
}

export const OPEN = ['todo', 'doing', 'blocked', 'validating'] as const;
export const STATUSES = [...OPEN, 'done', 'cancelled'] as const;
export type Status = (typeof STATUSES)[number];

export interface Lease {
  id: string;
  agent: string;
  until: number;
  ttl: number;
}

export interface Attempt {
  claim: string;
  agent: string;
  outcome?: string;
  result?: string;
  reason?: string;
}

/** One task of the model. A new state is a new object. */
export interface Card {
  id: string;
  title: string;
  status: Status;
  createdBy: string;
  assignee: string | undefined;
  reviewer: string | undefined;
  priority: string | undefined;
  due: number | undefined;
  position: number | undefined;
  parent: string | undefined;
  tags: readonly string[];
  blockedBy: readonly string[];
  lease: Lease | undefined;
  runs: readonly Attempt[];
  /** Runs that failed since a person looked at it. */
  failures: number;
  /** Failed too often: only a person sets it free. */
  stuck: boolean;
  verdict: string | undefined;
  result: string | undefined;
  comments: number;
  createdAt: number;
  updatedAt: number;
  startedAt: number | undefined;
  completedAt: number | undefined;
  seq: number;
}

/** The whole board. Never changed in place. */
export interface Board {
  cards: ReadonlyMap<string, Card>;
  /** What was deleted, as it was then. */
  gone: ReadonlyMap<string, Card>;
  /** Who was told that nothing stands in the way any more, in order. */
  unblocked: readonly string[];
  /** The newest command that made events. */
  last: Call | undefined;
}

export const EMPTY: Board = { cards: new Map(), gone: new Map(), unblocked: [], last: undefined };

export const isOver = ({ status }: Pick<Card, 'status'>) => status === 'done' || status === 'cancelled';

/** What a task waits for, counted anew. */
export function openBlockers(cards: Board['cards'], { blockedBy }: Card): string[] {
  return blockedBy.filter((id) => {
    const blocker = cards.get(id);
    return blocker !== undefined && !isOver(blocker);
  });
}

const rank = ({ priority }: Card) => (priority === undefined ? 3 : Number(priority.slice(1)));

/** P0 to P3, then what is due first, then the oldest. */
export function byUrgency(a: Card, b: Card): number {
  return (
    rank(a) - rank(b) ||
    compare(a.due ?? Number.MAX_SAFE_INTEGER, b.due ?? Number.MAX_SAFE_INTEGER) ||
    a.createdAt - b.createdAt ||
    compare(a.id, b.id)
  );
}

export function compare(a: number | string, b: number | string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** What may be offered to an agent, best first: to do, waiting for nothing, given to nobody else. */
export function queueFor({ cards }: Board, agent: string | undefined): Card[] {
  return [...cards.values()]
    .filter((card) => card.status === 'todo' && openBlockers(cards, card).length === 0)
    .filter(({ assignee }) => assignee === undefined || assignee === agent)
    .sort(byUrgency);
}
