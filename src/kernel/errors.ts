/**
 * Every way in which this server says no: code → status, title, hint. `docs/reference/errors.md` is generated from
 * this table. A code is a promise: it may be added, never renamed.
 */
export const CATALOGUE = {
  invalid_input: {
    status: 400,
    title: 'Invalid input',
    hint: 'Correct the fields named in `errors` and send it again. /docs shows every field.',
  },
  malformed_json: {
    status: 400,
    title: 'The body is not JSON',
    hint: 'Send one JSON object, for example {"from":"link","content":"hello"}.',
  },
  malformed_request: {
    status: 400,
    title: 'The request cannot be read',
    hint: 'Check the path, the headers and the encoding.',
  },
  invalid_cursor: {
    status: 400,
    title: 'Not a cursor',
    hint: 'Use a cursor from an earlier answer, a sequence number, `now` or `earliest`.',
  },
  invalid_idempotency_key: {
    status: 400,
    title: 'Not an idempotency key',
    hint: 'Use 1 to 200 printable ASCII characters, for example a UUID.',
  },
  origin_refused: {
    status: 403,
    title: 'This origin may not call the server',
    hint: 'Add the origin to ALLOWED_ORIGINS, or call without a browser.',
  },
  actor_mismatch: {
    status: 403,
    title: 'You named yourself twice, differently',
    hint: 'The X-Agent header, the `agent` parameter and the author in the body must name one agent.',
  },
  not_the_author: { status: 403, title: 'Only the author may do this', hint: 'Ask the author, or post a new message.' },
  not_the_reviewer: {
    status: 403,
    title: 'Somebody else reviews this task',
    hint: 'Its reviewer decides; PATCH the reviewer to change who that is.',
  },
  not_a_party: {
    status: 403,
    title: 'This conversation is private to its two ends',
    hint: 'Name yourself with the X-Agent header or the `agent` parameter as one of its ends.',
  },
  not_the_owner: {
    status: 403,
    title: 'These memories are one agent’s alone',
    hint: 'Name yourself with the X-Agent header, and ask for your own.',
  },
  route_not_found: {
    status: 404,
    title: 'No such route',
    hint: 'GET /capabilities lists every operation and its path.',
  },
  operation_not_found: {
    status: 404,
    title: 'No such operation',
    hint: 'GET /capabilities lists every operation and its name.',
  },
  message_not_found: {
    status: 404,
    title: 'Message not found',
    hint: 'Check the id; GET /chat/messages lists the newest.',
  },
  channel_not_found: {
    status: 404,
    title: 'Channel not found',
    hint: 'GET /chat/channels lists them; a post to a new name creates it.',
  },
  agent_not_found: { status: 404, title: 'No such agent', hint: 'GET /agents lists everybody who has acted here.' },
  task_not_found: {
    status: 404,
    title: 'Task not found',
    hint: 'Check the id; GET /tasks lists them.',
  },
  reservation_not_found: {
    status: 404,
    title: 'No such reservation',
    hint: 'It may be over. GET /reservations lists what is reserved.',
  },
  memory_not_found: {
    status: 404,
    title: 'Memory not found',
    hint: 'Check the id; GET /memories lists the newest. What is one agent’s alone is shown to that agent: X-Agent.',
  },
  version_not_found: {
    status: 404,
    title: 'There is no such version',
    hint: 'GET /memories/<id>/versions lists them.',
  },
  method_not_allowed: {
    status: 405,
    title: 'Method not allowed here',
    hint: 'GET /capabilities lists the methods of every path.',
  },
  channel_archived: {
    status: 409,
    title: 'The channel is archived',
    hint: 'Unarchive it with POST /chat/channels/:channel/unarchive, or post elsewhere.',
  },
  alias_taken: {
    status: 409,
    title: 'This name already means an agent',
    hint: 'Choose another alias, or take it from `holder` first: PUT /agents/<holder> {"aliases":[…]}.',
  },
  conflict: { status: 409, title: 'The state changed while this was decided', hint: 'Read again and retry.' },
  message_deleted: {
    status: 410,
    title: 'The message was deleted',
    hint: 'A tombstone stays; nothing can be added to it.',
  },
  cursor_gone: {
    status: 410,
    title: 'The stream cannot be continued from this cursor',
    hint: 'Take /snapshot, then continue from its cursor.',
  },
  memory_deleted: {
    status: 410,
    title: 'The memory was deleted',
    hint: 'It stays deleted, with all its versions. Write a new one.',
  },
  memory_superseded: {
    status: 409,
    title: 'Another memory replaces this one',
    hint: 'Read and change the one in `supersededBy` instead.',
  },
  paths_reserved: {
    status: 409,
    title: 'Somebody else has reserved these paths',
    hint: 'Reserve other paths, or wait for these: send it again with `wait`, in seconds.',
  },
  reserved_by_another: {
    status: 409,
    title: 'This reservation is another agent’s',
    hint: 'Ask its holder. To end it for the holder, say so: DELETE /reservations/<id>?takeover=1.',
  },
  too_large: {
    status: 413,
    title: 'Too large',
    hint: 'One event holds at most 256 KiB, one body 1 MiB. Store large content elsewhere and link to it.',
  },
  not_json: { status: 415, title: 'The body must be JSON', hint: 'Send `Content-Type: application/json`.' },
  wrong_host: {
    status: 421,
    title: 'This server is not that host',
    hint: 'Use http://127.0.0.1:<port>, or add the name to ALLOWED_HOSTS.',
  },
  workflow_not_found: { status: 404, title: 'No such workflow', hint: 'GET /workflows lists what there is.' },
  recurring_not_found: {
    status: 404,
    title: 'No such recurring task',
    hint: 'GET /tasks/recurring lists what there is.',
  },
  tool_not_found: {
    status: 404,
    title: 'No such tool',
    hint: 'GET /tools lists them; GET /tools?q=<words> finds one.',
  },
  tool_of_another: {
    status: 403,
    title: 'This tool is another’s',
    hint: 'Choose another name. A tool of a folder is removed from its folder.',
  },
  tool_not_ready: {
    status: 409,
    title: 'The tool cannot run here',
    hint: '`reason` says what is missing; once it is there, the tool is ready by itself.',
  },
  result_not_kept: {
    status: 410,
    title: 'It was done, and its result is gone',
    hint: 'Results are kept with an Idempotency-Key up to 64 KiB. Use a new key to do it again.',
  },
  invalid_tool_input: {
    status: 422,
    title: 'The input does not fit the tool',
    hint: 'Correct what `errors` names. GET /tools/<name> shows the schema of its input. Nothing was run.',
  },
  task_deleted: { status: 410, title: 'The task was deleted', hint: 'GET /tasks/<id>/history tells what it was.' },
  TASK_ALREADY_ASSIGNED: {
    status: 409,
    title: 'Another agent has this task',
    hint: 'Take another: POST /tasks/next {"agent":"…","claim":true}. To take this one from its holder, say so: takeover.',
  },
  stale_claim: {
    status: 409,
    title: 'This claim is over',
    hint: 'Stop: the task may be in other hands. Nothing was changed. Read the task, and claim it again if it is free.',
  },
  not_the_holder: {
    status: 409,
    title: 'You have not claimed this task',
    hint: 'Claim it first: POST /tasks/<id>/claim {"agent":"…"}, and send the claim’s id as `claim`.',
  },
  precondition_failed: {
    status: 412,
    title: 'It was changed meanwhile',
    hint: 'Read it again, look at what changed, and send your change with the new ETag.',
  },
  idempotency_key_reused: {
    status: 422,
    title: 'This key was used for another request',
    hint: 'Use a new Idempotency-Key for a new request.',
  },
  thread_in_other_channel: {
    status: 422,
    title: 'A reply stays in the channel of its thread',
    hint: 'Leave `channel` and `to` out; a reply goes where its thread is.',
  },
  channel_protected: {
    status: 422,
    title: 'A default channel stays',
    hint: 'Only channels that you created can be archived.',
  },
  transition_refused: {
    status: 422,
    title: 'A task cannot go there from where it is',
    hint: 'Choose one of `allowed`.',
  },
  unknown_task: {
    status: 422,
    title: 'A task that is named does not exist',
    hint: 'Create the tasks in `unknown` first, or leave them out.',
  },
  unknown_memory: {
    status: 422,
    title: 'A memory that is named does not exist',
    hint: 'Leave the memories in `unknown` out, or correct their ids.',
  },
  scope_mismatch: {
    status: 422,
    title: 'A memory replaces only memories of its own scope',
    hint: 'Write it with the scope of the one that it replaces. To share what is your own, write it for the team and delete yours.',
  },
  dependency_cycle: {
    status: 422,
    title: 'Tasks would wait for each other',
    hint: 'Each task in `cycle` waits for the next; take one of these dependencies away.',
  },
  too_many_dependents: {
    status: 422,
    title: 'Too many tasks wait for one',
    hint: 'Let them wait for a task between.',
  },
  task_blocked: {
    status: 422,
    title: 'The task waits',
    hint: 'Work on one of `blockers` first; where there are none, a person must set the task to todo.',
  },
  review_required: {
    status: 422,
    title: 'The reviewer has not approved it',
    hint: 'Set it to validating; its reviewer then sends POST /tasks/<id>/review {"by":"…","verdict":"approve"}.',
  },
  no_reviewer: { status: 422, title: 'The task has no reviewer', hint: 'PATCH it with a reviewer, or set it to done.' },
  loop_guard: {
    status: 429,
    title: 'Two agents answer each other without end',
    hint: 'Say it when Retry-After is over, or let somebody else speak there first: a person, or a third agent.',
  },
  rate_limited: { status: 429, title: 'Too many at once', hint: 'Let go of some, then try again.' },
  internal: {
    status: 500,
    title: 'A fault of the server',
    hint: 'It is logged. Please report it with the time of this answer.',
  },
  outcome_unknown: {
    status: 503,
    title: 'It is not known whether this was stored',
    hint: 'Send it again with the same Idempotency-Key once the server is back.',
  },
  shutting_down: {
    status: 503,
    title: 'The server is stopping',
    hint: 'Nothing was stored. Send it again in a moment.',
  },
  index_unavailable: {
    status: 503,
    title: 'The index is not up to date',
    hint: 'What was acknowledged is in the journal. See /health for the reason, and try again.',
  },
  overloaded: { status: 503, title: 'Too many streams are open', hint: 'Close some, or raise MAX_STREAMS.' },
  disk_full: {
    status: 507,
    title: 'The disk is full',
    hint: 'Nothing was stored. Free space; the server goes on by itself.',
  },
} as const satisfies Record<string, { status: number; title: string; hint: string }>;

export type ErrorCode = keyof typeof CATALOGUE;

/** One wrong field: a JSON pointer (RFC 6901) and what is wrong with it. */
export interface FieldError {
  pointer: string;
  detail: string;
}

/** The body of every answer that is not a success: problem details (RFC 9457), plus the original's `error` words. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  hint: string;
  errors?: FieldError[];
  success: false;
  error: string;
}

export interface RefusalOptions {
  errors?: FieldError[];
  /** The words that clients of the original contract look for in `error`; the detail when absent. */
  error?: string;
  /** Further members of the problem, such as `assignee` of a conflict. */
  extra?: Record<string, unknown>;
  /** Seconds after which a retry may succeed: the Retry-After header. */
  retryAfter?: number;
  cause?: unknown;
}

/** The one way to say no. Anything else that is thrown is a bug and is answered as `internal`. */
export class Refusal extends Error {
  readonly code: ErrorCode;
  readonly options: RefusalOptions;

  constructor(code: ErrorCode, detail: string, options: RefusalOptions = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'Refusal';
    this.code = code;
    this.options = options;
  }

  get status(): number {
    return CATALOGUE[this.code].status;
  }
}

/** Shapes any thrown value as a problem; what is not a Refusal becomes `internal` and tells nothing of its inside. */
export function toProblem(thrown: unknown): Problem {
  const refusal = thrown instanceof Refusal ? thrown : new Refusal('internal', 'The server failed to answer this.');
  const { status, title, hint } = CATALOGUE[refusal.code];
  const { errors, error, extra } = refusal.options;
  return {
    type: `/errors/${refusal.code}`,
    title,
    status,
    detail: refusal.message,
    code: refusal.code,
    hint,
    ...(errors && { errors }),
    ...extra,
    success: false,
    error: error ?? refusal.message,
  };
}
