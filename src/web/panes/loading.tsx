import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { ProblemError } from '../../client/index.ts';

/** What was asked for, as far as it is there. */
export interface Loading<T> {
  value: T | undefined;
  error: unknown;
  /** Asks again. */
  again(): void;
}

/** Asks for something, and again whenever `key` changes: one question at a time, and what came last is kept meanwhile. */
export function useLoading<T>(key: string, ask: () => Promise<T>): Loading<T> {
  const [state, set] = useState<{ value: T | undefined; error: unknown }>({ value: undefined, error: undefined });
  const current = useRef({ ask, busy: false, stale: false, gone: false });
  current.current.ask = ask;
  const again = () => {
    const { current: self } = current;
    if (self.busy) {
      self.stale = true;
      return;
    }
    self.busy = true;
    self
      .ask()
      .then(
        (value) => !self.gone && set({ value, error: undefined }),
        (error: unknown) => !self.gone && set((before) => ({ ...before, error })),
      )
      .finally(() => {
        self.busy = false;
        if (!self.stale || self.gone) return;
        self.stale = false;
        again();
      });
  };
  useEffect(again, [key]);
  useEffect(
    () => () => {
      current.current.gone = true;
    },
    [],
  );
  return { ...state, again };
}

/** Shows what was asked for; that it is awaited; or why it did not come. */
export function Loaded<T>({ of, children }: { of: Loading<T>; children: (value: T) => ComponentChildren }) {
  const { value, error, again } = of;
  return (
    <>
      {error !== undefined && <Trouble error={error} again={again} />}
      {value !== undefined ? children(value) : error === undefined && <p class="empty faint">Loading…</p>}
    </>
  );
}

/** Why something was not done, where it was asked for. */
export function Trouble({ error, again }: { error: unknown; again?: () => void }) {
  const said = error instanceof ProblemError;
  return (
    <div class="refusal" role="alert">
      <p dir="auto">{said ? error.detail : 'The server does not answer.'}</p>
      <p class="faint" dir="auto">
        {said ? error.hint : String((error as Error).message)}
      </p>
      {again && (
        <button type="button" onClick={again}>
          Try again
        </button>
      )}
    </div>
  );
}
