import type { z } from 'zod';
import type { capabilities } from '../capabilities/index.ts';

type Row = (typeof capabilities)[number]['operations'][number];
type Rows = { readonly [R in Row as R['name']]: R };
type RowOf<N extends OperationName> = Rows[N];

/** The name of an operation: `messages.send`. docs/reference/operations.md lists them. */
export type OperationName = Row['name'];

/** What an operation takes, as its schema says. */
type Declared<N extends OperationName> = z.input<RowOf<N>['input']>;
type Field<N extends OperationName> = Exclude<RowOf<N>['actor'], undefined> & keyof Declared<N>;

/** What an operation takes from a client; one that said its name leaves out the field that names who acts. */
export type Input<N extends OperationName, Named extends boolean = true> = Named extends true
  ? Omit<Declared<N>, Field<N>> & Partial<Pick<Declared<N>, Field<N>>>
  : Declared<N>;

/** What an operation answers. */
export type Output<N extends OperationName> = z.output<RowOf<N>['output']>;

/** How one call is made. */
export interface CallOptions {
  /** Gives it up; of a write it is then not known whether it was done. */
  signal?: AbortSignal | undefined;
  /** Unless said, a new one for each call: the server does a call of one key once, however often it comes. */
  idempotencyKey?: string | undefined;
  /** Refused with `precondition_failed` where what it changes has another tag: an `etag` of an earlier answer. */
  ifMatch?: string | number | undefined;
}

/** An answer with what stands beside it. */
export interface Answer<N extends OperationName> {
  result: Output<N>;
  /** The last event of a command; for a query the newest event that it saw. */
  seq: number;
  /** The tag of what the answer shows, for `ifMatch`. */
  etag: string | undefined;
  /** True where a request of the same key was done before, and this is its answer. */
  replayed: boolean;
}

type Arguments<I> =
  Record<never, never> extends I ? [input?: I, options?: CallOptions] : [input: I, options?: CallOptions];

/** Calls any operation by its name. */
export type Call<Named extends boolean = true> = <N extends OperationName>(
  name: N,
  ...args: Arguments<Input<N, Named>>
) => Promise<Answer<N>>;

type Group<N> = N extends `${infer G}.${string}` ? G : never;
type Operation<N, G extends string> = N extends `${G}.${infer F}` ? F : never;

/** A function for each operation: `messages.send` is `client.messages.send({ … })`. */
export type Operations<Named extends boolean = true> = {
  readonly [G in Group<OperationName>]: {
    readonly [F in Operation<OperationName, G>]: <N extends `${G}.${F}` & OperationName>(
      ...args: Arguments<Input<N, Named>>
    ) => Promise<Output<N>>;
  };
};
