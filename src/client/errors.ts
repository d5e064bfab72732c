import type { ErrorCode, FieldError, Problem } from '../kernel/errors.ts';

/** The server said no: what it said, as problem details (RFC 9457). Sending the same again changes nothing. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  /** One of the codes of docs/reference/errors.md. */
  readonly code: ErrorCode;
  /** The HTTP status. */
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  /** What to do now. */
  readonly hint: string;
  /** Wrong fields of the input, each with a JSON pointer. */
  readonly errors: readonly FieldError[];
  /** The whole problem, with further members such as `assignee` of a conflict. */
  readonly problem: Readonly<Record<string, unknown>>;

  constructor(problem: Problem) {
    super(`${problem.code}: ${problem.detail} ${problem.hint}`);
    this.code = problem.code as ErrorCode;
    this.status = problem.status;
    this.title = problem.title;
    this.detail = problem.detail;
    this.hint = problem.hint;
    this.errors = problem.errors ?? [];
    this.problem = problem as unknown as Record<string, unknown>;
  }
}

/** No answer came, or none that this server would give. Of a write it is not known whether it was done. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
  /** Why a WebSocket was closed, where one was: docs/reference/websocket.md. */
  readonly closeCode: number | undefined;

  constructor(message: string, { cause, closeCode }: { cause?: unknown; closeCode?: number } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.closeCode = closeCode;
  }
}

/** The problem that a JSON text is; undefined where it is something else. */
export function problemOf(value: unknown): Problem | undefined {
  const problem = value as Partial<Problem> | null;
  return problem !== null &&
    typeof problem === 'object' &&
    typeof problem.code === 'string' &&
    typeof problem.status === 'number' &&
    typeof problem.detail === 'string'
    ? ({ title: problem.code, hint: '', ...problem } as Problem)
    : undefined;
}

/** Statuses that pass: a proxy without its server, a server that stops or does not know the outcome. */
export function passes(status: number): boolean {
  return status === 502 || status === 503 || status === 504;
}
