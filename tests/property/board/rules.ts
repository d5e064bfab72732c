import {
  type Attempt,
  type Board,
  type Call,
  type Card,
  isOver,
  type Lease,
  openBlockers,
  queueFor,
  type Status,
} from './board.ts';

/** Seconds that a claim lasts, and failed runs after which a person must look, unless the server is told otherwise. */
const LEASE = 900;
const FAILURES = 3;

/** What the server chooses and the model cannot know: ids, and which number or time an event got. */
export interface Seen {
  seq: number;
  updatedAt: number;
  claim?: { id: string; expiresAt: number };
}

/** A look at the server after the command. */
export interface Reality {
  task(id: string): Seen | undefined;
  /** The id of the task that was not there before. */
  made(): string | undefined;
}

/** What a command must have come to. */
export interface Played {
  board: Board;
  /** Codes, any of which may be the answer; none: it is done. */
  refusals: string[];
  /** The task of the answer; null: it says that there is none. */
  task?: string | null;
  /** The claim of the answer. */
  claim?: string | undefined;
  /** Tasks of which there are new events. */
  told: ReadonlySet<string>;
  /** Those of them that were changed, not only spoken of. */
  changed: ReadonlySet<string>;
}

/** True where the way over `next` from `from` comes to `id`. */
function leadsTo(from: string, id: string, next: (id: string) => readonly string[], seen = new Set<string>()): boolean {
  if (from === id) return true;
  if (seen.has(from)) return false;
  seen.add(from);
  return next(from).some((each) => leadsTo(each, id, next, seen));
}

function mayMove(from: Status, to: Status): boolean {
  if (from === to) return true;
  if (from === 'done') return to === 'todo' || to === 'doing';
  return from !== 'cancelled' || to === 'todo';
}

const ENDS: Record<Status, string> = {
  todo: 'released',
  doing: 'released',
  blocked: 'blocked',
  validating: 'completed',
  done: 'completed',
  cancelled: 'cancelled',
};

/** The clock on the wall, now and when the server was started. */
interface Clock {
  wall: number;
  began: number;
}

/** Plays one command, at a time of the clock on the wall, after what that time has ended. */
export function play(board: Board, call: Call, clock: Clock, reality: Reality): Played {
  return new Turn(board, call, clock, reality).play();
}

class Turn {
  readonly #before: Board;
  readonly #call: Call;
  readonly #wall: number;
  readonly #began: number;
  readonly #reality: Reality;
  readonly #cards: Map<string, Card>;
  readonly #gone: Map<string, Card>;
  readonly #unblocked: string[];
  readonly #told = new Set<string>();
  readonly #changed = new Set<string>();

  constructor(board: Board, call: Call, { wall, began }: Clock, reality: Reality) {
    this.#before = board;
    this.#call = call;
    this.#wall = wall;
    this.#began = began;
    this.#reality = reality;
    this.#cards = new Map(board.cards);
    this.#gone = new Map(board.gone);
    this.#unblocked = [...board.unblocked];
  }

  play(): Played {
    this.#expire();
    const { op, input } = this.#call;
    const expired = new Set(this.#told);
    const card = input.id === undefined ? undefined : this.#cards.get(input.id);
    const refusals = input.id === undefined ? [] : this.#refusalsOf(card);
    let answer: Pick<Played, 'task' | 'claim'> = {};
    if (op === 'tasks.create') {
      refusals.push(...this.#refusalsOfLinks(undefined));
      if (input.status === 'done' && input.reviewer !== undefined) refusals.push('review_required');
    }
    if (refusals.length === 0) answer = this.#perform(op, card);
    const acted = [...this.#told].some((id) => !expired.has(id)) || op === 'tasks.comment';
    this.#adopt();
    const { last } = this.#before;
    const board: Board = {
      cards: this.#cards,
      gone: this.#gone,
      unblocked: this.#unblocked,
      last: refusals.length === 0 && acted ? this.#call : last,
    };
    return { board, refusals, ...answer, told: this.#told, changed: this.#changed };
  }

  #perform(op: string, card: Card | undefined): Pick<Played, 'task' | 'claim'> {
    const { input } = this.#call;
    if (op === 'tasks.create') return this.#create();
    if (op === 'tasks.next') return this.#next();
    const task = card as Card;
    const done = { task: task.id };
    if (op === 'tasks.update') this.#patch(task);
    else if (op === 'tasks.claim') {
      if (task.lease && this.#isHolder(task)) this.#extend(task, input.ttl);
      else this.#claim(task, input.agent as string);
      return { ...done, claim: this.#cards.get(task.id)?.lease?.id };
    } else if (op === 'tasks.heartbeat') {
      this.#extend(task, input.ttl);
      return { claim: task.lease?.id };
    } else if (op === 'tasks.release') {
      this.#move({ ...this.#end(task, 'released', { reason: input.reason }), assignee: undefined }, 'todo');
    } else if (op === 'tasks.complete') {
      const ended = this.#end(task, 'completed', { result: input.result });
      const result = input.result ?? task.result;
      this.#move({ ...ended, result }, task.reviewer === undefined ? 'done' : 'validating');
    } else if (op === 'tasks.fail') {
      this.#fail(task, 'failed', input.reason);
    } else if (op === 'tasks.review') {
      const status = input.verdict === 'approve' ? 'done' : 'todo';
      const verdict = input.verdict === 'approve' ? 'approved' : 'rejected';
      this.#move({ ...this.#end(task, ENDS[status]), verdict }, status);
    } else if (op === 'tasks.delete') {
      this.#cards.delete(task.id);
      this.#gone.set(task.id, this.#end(task, 'deleted'));
      this.#changed.add(task.id);
      this.#told.add(task.id);
      if (!isOver(task)) this.#unblock(task.id);
      return {};
    } else if (op === 'tasks.comment') {
      const spoken = { ...task, comments: task.comments + 1 };
      this.#cards.set(task.id, spoken);
      if (task.lease?.agent === input.author) this.#renew(spoken, undefined);
      return {};
    }
    return done;
  }

  /** Why a command on a task is not done. */
  #refusalsOf(card: Card | undefined): string[] {
    const { op, input, ifMatch } = this.#call;
    const found: string[] = [];
    if (ifMatch !== undefined && ifMatch !== '*' && ifMatch !== `"${card?.seq}"`) found.push('precondition_failed');
    if (card === undefined) {
      if (ifMatch === '*') found.push('precondition_failed');
      return [...found, this.#gone.has(input.id as string) ? 'task_deleted' : 'task_not_found'];
    }
    const { lease } = card;
    const who = input.agent;
    if (typeof input.claim === 'string') {
      if (lease?.id !== input.claim) found.push('stale_claim');
      else if (who !== undefined && who !== lease.agent) found.push('not_the_holder');
    } else if (/heartbeat|release|complete|fail/.test(op) && !this.#isHolder(card)) found.push('not_the_holder');
    const other = lease !== undefined && !this.#isHolder(card) && !input.takeover;
    if (op === 'tasks.delete' && other && who !== undefined) found.push('TASK_ALREADY_ASSIGNED');
    if (op === 'tasks.update') {
      if (other && input.assignee !== undefined && input.assignee !== lease.agent) found.push('TASK_ALREADY_ASSIGNED');
      if (other && who !== undefined && input.status !== undefined && input.status !== card.status)
        found.push('TASK_ALREADY_ASSIGNED');
      const { status = card.status } = input;
      const reviewer = card.reviewer ?? input.reviewer;
      if (!mayMove(card.status, status)) found.push('transition_refused');
      if (status === 'done' && card.status !== 'done' && reviewer != null) found.push('review_required');
      found.push(...this.#refusalsOfLinks(card));
    }
    if (op === 'tasks.claim' && !(lease && this.#isHolder(card))) {
      const owner = lease?.agent ?? card.assignee;
      if (owner !== undefined && owner !== who && (!input.takeover || isOver(card)))
        found.push('TASK_ALREADY_ASSIGNED');
      if (card.status === 'blocked' || openBlockers(this.#cards, card).length > 0) found.push('task_blocked');
      if (isOver(card) || card.status === 'validating') found.push('transition_refused');
    }
    if (op === 'tasks.review') {
      if (card.reviewer === undefined) found.push('no_reviewer');
      else if (card.reviewer !== input.by) found.push('not_the_reviewer');
      if (isOver(card)) found.push('transition_refused');
    }
    return found;
  }

  #refusalsOfLinks(card: Card | undefined): string[] {
    const { blocked_by: blockers, parent } = this.#call.input;
    // What a task names already may be gone meanwhile.
    const named = [
      ...(blockers ?? []).filter((id) => !card?.blockedBy.includes(id)),
      ...(parent == null || parent === card?.parent ? [] : [parent]),
    ];
    const found = named.some((id) => !this.#cards.has(id)) ? ['unknown_task'] : [];
    if (card === undefined) return found;
    const blockersOf = (id: string) => this.#cards.get(id)?.blockedBy ?? [];
    const parentOf = (id: string) => [this.#cards.get(id)?.parent].filter((each) => each !== undefined);
    if (
      blockers?.some((id) => leadsTo(id, card.id, blockersOf)) ||
      (parent != null && leadsTo(parent, card.id, parentOf))
    )
      found.push('dependency_cycle');
    return found;
  }

  #isHolder({ lease }: Card): boolean {
    const { claim, agent } = this.#call.input;
    if (lease === undefined) return false;
    return typeof claim === 'string'
      ? claim === lease.id && (agent ?? lease.agent) === lease.agent
      : agent === lease.agent;
  }

  /** Whoever gave no sign of life in time has failed. */
  #expire(): void {
    for (const card of this.#before.cards.values()) {
      if (card.lease === undefined || card.lease.until > this.#wall) continue;
      const reason = `${card.lease.agent} gave no sign of life for ${card.lease.ttl} s`;
      if (card.lease.until > this.#began) this.#fail(card, 'expired', reason);
      // Nobody could, while the server was not there.
      else this.#move({ ...this.#end(card, 'expired', { reason }), assignee: undefined }, 'todo');
    }
  }

  #create(): Pick<Played, 'task'> {
    const { input } = this.#call;
    const id = this.#reality.made() ?? 'nothing was made';
    const at = this.#reality.task(id)?.updatedAt ?? 0;
    const { status = 'todo' } = input;
    this.#put({
      id,
      title: input.title ?? '',
      status,
      createdBy: input.createdBy ?? '',
      assignee: input.assignee ?? undefined,
      reviewer: input.reviewer ?? undefined,
      priority: input.priority ?? undefined,
      due: input.due ?? undefined,
      position: input.position ?? undefined,
      parent: input.parent ?? undefined,
      tags: [...new Set(input.tags)],
      blockedBy: [...new Set(input.blocked_by)],
      lease: undefined,
      runs: [],
      failures: 0,
      stuck: false,
      verdict: undefined,
      result: undefined,
      comments: 0,
      createdAt: at,
      updatedAt: at,
      startedAt: status === 'doing' ? at : undefined,
      completedAt: status === 'done' ? at : undefined,
      seq: 0,
    });
    return { task: id };
  }

  #next(): Pick<Played, 'task' | 'claim'> {
    const { agent, claim, tags } = this.#call.input;
    const [first] = queueFor({ ...this.#before, cards: this.#cards }, agent).filter(
      (card) => !tags?.length || tags.some((tag) => card.tags.includes(tag)),
    );
    if (first === undefined) return { task: null };
    if (!claim) return { task: first.id };
    this.#claim(first, agent as string);
    return { task: first.id, claim: this.#cards.get(first.id)?.lease?.id };
  }

  #claim(card: Card, agent: string): void {
    const { ttl = LEASE } = this.#call.input;
    const free = this.#end(card, 'taken_over');
    const id = this.#reality.task(card.id)?.claim?.id ?? 'no claim';
    const used = [...this.#cards.values(), ...this.#gone.values()].some(({ runs }) =>
      runs.some((run) => run.claim === id),
    );
    const lease = { id: used ? 'not a new claim' : id, agent, until: this.#wall + ttl * 1_000, ttl };
    this.#move({ ...free, assignee: agent, lease, runs: [...free.runs, { claim: id, agent }] }, 'doing');
  }

  /** The holder says that it is at work: the claim lasts its time from now. */
  #extend(card: Card, ttl: number | undefined): void {
    const lease = card.lease as Lease;
    const lasts = ttl ?? lease.ttl;
    this.#cards.set(card.id, { ...card, lease: { ...lease, until: this.#wall + lasts * 1_000, ttl: lasts } });
    this.#told.add(card.id);
  }

  /** Another sign of life: the same, or nearly so where it is written down less often. */
  #renew(card: Card, ttl: number | undefined): void {
    const lease = card.lease as Lease;
    const lasts = ttl ?? lease.ttl;
    const full = this.#wall + lasts * 1_000;
    const latest = lasts === lease.ttl ? Math.max(lease.until, full) : full;
    const earliest = lasts === lease.ttl ? Math.max(lease.until, full - lasts * 100) : full;
    const real = this.#reality.task(card.id)?.claim?.expiresAt ?? 0;
    const until = real >= earliest && real <= latest ? real : latest;
    if (until === lease.until && lasts === lease.ttl) return;
    this.#cards.set(card.id, { ...card, lease: { ...lease, until, ttl: lasts } });
    this.#told.add(card.id);
  }

  #patch(card: Card): void {
    const { input } = this.#call;
    const { lease } = card;
    const holder = this.#isHolder(card);
    const after: Card = { ...card };
    if (input.title !== undefined) after.title = input.title;
    for (const field of ['assignee', 'reviewer', 'priority', 'due', 'position', 'parent'] as const)
      if (input[field] !== undefined) Object.assign(after, { [field]: input[field] ?? undefined });
    if (input.tags !== undefined) after.tags = [...new Set(input.tags)];
    if (input.blocked_by !== undefined) after.blockedBy = [...new Set(input.blocked_by)];
    const loses = lease && input.assignee !== undefined && after.assignee !== lease.agent;
    const [waited, waits] = [card, after].map((each) => openBlockers(this.#cards, each).length > 0);
    const opens = waited && !waits;
    // Whoever is given what another had begun has not begun it; what waited for others alone waits no more.
    const anew = (loses && card.status === 'doing') || (opens && card.status === 'blocked' && !card.stuck);
    const { status = anew ? 'todo' : card.status } = input;
    const taken = lease && !holder && input.takeover && (loses || status !== card.status);
    if (taken) Object.assign(after, this.#ended(after, 'taken_over'));
    else if (lease && (loses || status !== 'doing')) Object.assign(after, this.#ended(after, ENDS[status]));
    const moved = status !== card.status;
    if (moved || !isSame(card, after)) this.#move(after, status, input.position !== undefined);
    if (after.lease && holder) this.#renew(this.#cards.get(card.id) as Card, undefined);
    if (opens) this.#unblocked.push(`${card.id} for ${after.assignee}`);
  }

  #fail(card: Card, outcome: string, reason: string | undefined): void {
    const failures = card.failures + 1;
    const stuck = failures >= FAILURES;
    const ended = this.#end(card, outcome, { reason });
    this.#move({ ...ended, assignee: undefined, failures, stuck }, stuck ? 'blocked' : 'todo');
  }

  #ended(
    card: Card,
    outcome: string,
    more: { reason?: string | undefined; result?: string | undefined } = {},
  ): Pick<Card, 'lease' | 'runs'> {
    if (card.lease === undefined) return { lease: undefined, runs: card.runs };
    const run = card.runs.at(-1) as Attempt;
    return { lease: undefined, runs: [...card.runs.slice(0, -1), { ...run, outcome, ...defined(more) } as Attempt] };
  }

  /** Ends the run that is going on, where there is one. */
  #end(card: Card, outcome: string, more: { reason?: string | undefined; result?: string | undefined } = {}): Card {
    return { ...card, ...this.#ended(card, outcome, more) };
  }

  #move(card: Card, status: Status, placed = false): void {
    const before = this.#cards.get(card.id) as Card;
    if (status === before.status) return this.#put({ ...card, status });
    const after: Card = { ...card, status };
    if (!placed) after.position = undefined;
    if (before.status === 'blocked') Object.assign(after, { failures: 0, stuck: false });
    if (status === 'done') after.failures = 0;
    if (before.status === 'done') after.verdict = undefined;
    const at = this.#reality.task(card.id)?.updatedAt;
    after.completedAt = status === 'done' ? at : undefined;
    if (status === 'doing') after.startedAt ??= at;
    this.#put(after);
    if (isOver(after) && !isOver(before)) this.#unblock(card.id);
  }

  /** Those who waited for this one alone are told; where they stood aside for that, they are to do again. */
  #unblock(blocker: string): void {
    for (const card of this.#cards.values()) {
      if (isOver(card) || !card.blockedBy.includes(blocker) || openBlockers(this.#cards, card).length > 0) continue;
      this.#unblocked.push(`${card.id} for ${card.assignee}`);
      this.#told.add(card.id);
      if (card.status === 'blocked' && !card.stuck) this.#move(card, 'todo');
    }
  }

  #put(card: Card): void {
    this.#cards.set(card.id, card);
    this.#told.add(card.id);
    this.#changed.add(card.id);
  }

  #adopt(): void {
    for (const id of this.#told) {
      const [card, real] = [this.#cards.get(id), this.#reality.task(id)];
      if (card === undefined || real === undefined) continue;
      const updatedAt = this.#changed.has(id) ? real.updatedAt : card.updatedAt;
      this.#cards.set(id, { ...card, seq: real.seq, updatedAt });
    }
  }
}

function defined<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}

function isSame(a: Card, b: Card): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
