import fc from 'fast-check';
import { type Board, type Call, type Card, type Input, STATUSES } from './board.ts';

export const AGENTS = ['ada', 'bob', 'cyd'] as const;
const TAGS = ['red', 'blue'] as const;

/** A task by its place among some: all there are, those that somebody holds or reviews, those that are gone. */
interface Target {
  place: number;
  among: 'all' | 'held' | 'reviewed' | 'gone';
}

/** What an agent does, before it is known which tasks and claims there are. */
export interface Act {
  op: string;
  target: Target;
  /** An agent's name; `holder`: whoever has the task; `nobody`: no name is said. */
  who: string;
  claim: 'none' | 'live' | 'old' | 'bogus';
  ifMatch: 'none' | 'current' | 'old' | 'any';
  takeover: boolean;
  ttl?: number | undefined;
  tags?: string[] | undefined;
  result?: string | undefined;
  verdict: string;
  /** `next` takes what it offers. */
  takes: boolean;
  fields: Fields;
}

type Fields = Omit<Input, 'blocked_by' | 'parent'> & { blocked_by?: Target[] | null; parent?: Target | null };

const agent = fc.constantFrom(...AGENTS);
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const seldom = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ arbitrary: fc.constant(undefined), weight: 9 }, { arbitrary, weight: 1 });
const targetAmong = (...among: Target['among'][]): fc.Arbitrary<Target> =>
  fc.record({ place: fc.nat({ max: 7 }), among: fc.constantFrom(...among) });
const target = targetAmong(...Array<'all'>(15).fill('all'), 'held', 'gone');
const held = targetAmong('held', 'held', 'held', 'all');

/** Fields that a task may be made with, each as often as it stands here. */
const FIELDS: [keyof Fields, fc.Arbitrary<unknown>][] = [
  ['blocked_by', fc.array(target, { minLength: 1, maxLength: 2 })],
  ['blocked_by', fc.array(target, { maxLength: 3 })],
  ['parent', target],
  ['assignee', agent],
  ['assignee', agent],
  ['reviewer', agent],
  ['priority', fc.constantFrom('P0', 'P1', 'P2', 'P3')],
  ['due', fc.integer({ min: 1, max: 3 })],
  ['position', fc.integer({ min: -1, max: 1 })],
  ['tags', fc.uniqueArray(fc.constantFrom(...TAGS))],
];
const status = fc.constantFrom(...STATUSES);

function some(fields: typeof FIELDS, minLength: number, maxLength: number): fc.Arbitrary<Fields> {
  const one = fc.oneof(...fields.map(([field, value]) => value.map((each) => ({ [field]: each }))));
  return fc.array(one, { minLength, maxLength }).map((list) => Object.assign({}, ...list) as Fields);
}

const title = fc.constantFrom('a', 'b');
const made = fc.record({ title, createdBy: agent });
const created = fc
  .tuple(made, some([...FIELDS, ['status', status]], 0, 3))
  .map(([always, fields]) => ({ ...fields, ...always }));
const patched = some(
  [
    ...Array<[keyof Fields, fc.Arbitrary<unknown>]>(8).fill(['status', status]),
    ['title', title],
    ...FIELDS.map(([field, value]): [keyof Fields, fc.Arbitrary<unknown>] => [field, fc.option(value, { freq: 3 })]),
  ],
  1,
  2,
);

const common = {
  target,
  who: fc.constantFrom('holder', 'holder', 'holder', 'nobody', ...AGENTS),
  claim: fc.constantFrom('none', 'none', 'live', 'live', 'live', 'old', 'bogus'),
  ifMatch: fc.constantFrom(...Array<'none'>(9).fill('none'), 'current', 'old', 'any'),
  takeover: fc.constantFrom(true, false, false, false),
  ttl: seldom(fc.constantFrom(900, 300, 3_600)),
  tags: fc.constant(undefined),
  result: maybe(fc.constantFrom('ok', 'fine')),
  verdict: fc.constantFrom('approve', 'reject'),
  takes: fc.constantFrom(true, true, false),
  fields: fc.constant({}),
};

function act(op: string, more: object = {}): fc.Arbitrary<Act> {
  return fc.record({ op: fc.constant(op), ...common, ...more }) as unknown as fc.Arbitrary<Act>;
}

const create = act('tasks.create', { fields: created });

const anyAct: fc.Arbitrary<Act> = fc.oneof(
  { arbitrary: create, weight: 3 },
  { arbitrary: act('tasks.update', { fields: patched }), weight: 8 },
  { arbitrary: act('tasks.claim', { claim: fc.constantFrom('none', 'none', 'none', 'live', 'old') }), weight: 5 },
  { arbitrary: act('tasks.next', { tags: seldom(fc.uniqueArray(fc.constantFrom(...TAGS))) }), weight: 4 },
  { arbitrary: act('tasks.heartbeat', { target: held }), weight: 2 },
  { arbitrary: act('tasks.release', { target: held }), weight: 1 },
  { arbitrary: act('tasks.complete', { target: held }), weight: 3 },
  { arbitrary: act('tasks.fail', { target: held }), weight: 3 },
  { arbitrary: act('tasks.review', { target: targetAmong('reviewed', 'reviewed', 'all') }), weight: 2 },
  { arbitrary: act('tasks.delete'), weight: 1 },
  { arbitrary: act('tasks.comment', { ifMatch: fc.constant('none') }), weight: 1 },
  { arbitrary: act('retry'), weight: 1 },
);

/** Milliseconds by which the clock on the wall moves; leases last 900 seconds unless said otherwise. */
const pause = fc.oneof(
  { arbitrary: fc.constant(0), weight: 6 },
  { arbitrary: fc.constantFrom(1, 60_000, 300_000, 899_999, 900_000, 900_001, 4_000_000), weight: 3 },
  { arbitrary: fc.constantFrom(-1, -60_000, -1_000_000), weight: 1 },
);

/** How the acts of a step end. */
export type End =
  | { kind: 'kept' }
  /** The journal takes the acts back. */
  | { kind: 'aborted' }
  /** The process is gone when the first of them are durable, and comes back with the index as it was, an older one, or none. */
  | { kind: 'crashed'; kept: number; index: 'there' | 'older' | 'none' };

/** Acts that come in at once, some time after those before. */
export interface Step {
  pause: number;
  acts: Act[];
  end: End;
  look: Look;
}

/** What a reader asks for after a step. */
export interface Look {
  status?: string | undefined;
  assignee?: string | undefined;
  createdBy?: string | undefined;
  reviewer?: string | undefined;
  priority?: string | undefined;
  tags?: string | undefined;
  blocked?: boolean | undefined;
  parent?: Target | undefined;
  sort: 'updated' | 'created' | 'priority' | 'due';
  order: 'forward' | 'reverse';
}

const look: fc.Arbitrary<Look> = fc.record({
  status: maybe(fc.uniqueArray(fc.constantFrom(...STATUSES), { minLength: 1, maxLength: 3 }).map(String)),
  assignee: maybe(agent),
  createdBy: maybe(agent),
  reviewer: seldom(agent),
  priority: seldom(fc.constantFrom('P0', 'P1', 'P2', 'P3')),
  tags: maybe(fc.constantFrom('red', 'blue', 'red,blue')),
  blocked: seldom(fc.boolean()),
  parent: seldom(target),
  sort: fc.constantFrom('updated', 'created', 'priority', 'due'),
  order: fc.constantFrom('forward', 'reverse'),
});

const crashed = fc.record({
  kind: fc.constant('crashed'),
  kept: fc.nat({ max: 4 }),
  index: fc.constantFrom('there', 'older', 'none'),
});

/** A story of a board: it begins with a few tasks, and `others` says what may befall a step beside being kept. */
export function storyOf(others: readonly ('aborted' | 'crashed')[], maxLength: number): fc.Arbitrary<Step[]> {
  const end = fc.oneof(
    { arbitrary: fc.constant({ kind: 'kept' }), weight: 5 },
    ...(others.includes('aborted') ? [{ arbitrary: fc.constant({ kind: 'aborted' }), weight: 4 }] : []),
    ...(others.includes('crashed') ? [{ arbitrary: crashed, weight: 1 }] : []),
  ) as fc.Arbitrary<End>;
  const first = fc.record({
    pause: fc.constant(0),
    acts: fc.array(act('tasks.create', { fields: made }), { minLength: 2, maxLength: 5 }),
    end: fc.constant<End>({ kind: 'kept' }),
    look,
  });
  const step = fc.record({ pause, acts: fc.array(anyAct, { minLength: 1, maxLength: 4, size: 'max' }), end, look });
  return fc.tuple(first, fc.array(step, { maxLength, size: 'max' })).map(([one, more]) => {
    const steps = [one, ...more];
    // The transcript tells better what happened.
    return Object.assign(steps, { [fc.toStringMethod]: () => `a story of ${steps.length} steps` });
  });
}

/** The id that a target means on this board. */
export function idOf({ place, among }: Target, { cards, gone }: Board): string {
  const some = [...(among === 'gone' ? gone : cards).values()];
  const ids = some
    .filter(({ lease, reviewer }) => (among !== 'held' || lease) && (among !== 'reviewed' || reviewer))
    .map(({ id }) => id);
  return ids[place % Math.max(ids.length, 1)] ?? 'task-none';
}

/** The act as a command on this board. */
export function callOf(act: Act, board: Board, key: string): Call {
  const { op, fields, ttl } = act;
  const ids = (targets: Target[]) => targets.map((each) => idOf(each, board));
  const { blocked_by: blockers, parent, ...plain } = fields;
  const rest: Input = {
    ...plain,
    ...(blockers !== undefined && { blocked_by: blockers && ids(blockers) }),
    ...(parent !== undefined && { parent: parent && idOf(parent, board) }),
  };
  if (op === 'tasks.create') return { op, input: rest, key };
  const id = idOf(act.target, board);
  const card = board.cards.get(id);
  const holder = card?.lease?.agent ?? card?.assignee ?? 'ada';
  const name = act.who === 'holder' ? holder : act.who === 'nobody' ? undefined : act.who;
  if (op === 'tasks.next') {
    const takes = act.takes && { claim: true, agent: name ?? 'ada', ...(ttl !== undefined && { ttl }) };
    return { op, input: { ...(name && { agent: name }), ...takes, ...(act.tags && { tags: act.tags }) }, key };
  }
  const input: Input = { id, ...rest };
  if (op === 'tasks.comment') return { op, input: { id, author: name ?? 'bob', content: 'a word' }, key };
  const ifMatch = tagOf(act.ifMatch, card);
  const said = { key, ...(ifMatch !== undefined && op !== 'tasks.heartbeat' && { ifMatch }) };
  if (op === 'tasks.review') {
    const by = act.who === 'holder' ? (card?.reviewer ?? 'ada') : (name ?? 'bob');
    return { op, input: { id, by, verdict: act.verdict }, ...said };
  }
  if (name !== undefined || op === 'tasks.claim') input.agent = name ?? 'ada';
  const claim = claimOf(act.claim, card, board);
  if (claim !== undefined) input.claim = claim;
  if (act.takeover && /update|claim|delete/.test(op)) input.takeover = true;
  if (ttl !== undefined && /claim|heartbeat/.test(op)) input.ttl = ttl;
  if (op === 'tasks.fail') input.reason = 'it broke';
  if (op === 'tasks.complete' && act.result !== undefined) input.result = act.result;
  return { op, input, ...said };
}

function claimOf(claim: Act['claim'], card: Card | undefined, { gone }: Board): string | undefined {
  if (claim === 'bogus') return 'claim-none';
  if (claim === 'live') return card?.lease?.id;
  if (claim === 'none') return undefined;
  const runs = [card, ...gone.values()].flatMap((each) => each?.runs ?? []);
  return runs.find(({ claim: id }) => id !== card?.lease?.id)?.claim ?? 'claim-none';
}

function tagOf(ifMatch: Act['ifMatch'], card: Card | undefined): string | undefined {
  if (ifMatch === 'none') return undefined;
  if (ifMatch === 'any') return '*';
  const seq = card?.seq ?? 1;
  return `"${ifMatch === 'current' ? seq : seq - 1}"`;
}
