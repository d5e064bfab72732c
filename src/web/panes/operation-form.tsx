import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { ProblemError } from '../../client/index.ts';
import { me } from '../me.ts';
import { refuseInPast } from '../past.ts';
import { client, shown } from '../store.ts';
import { Trouble } from './loading.tsx';
import type { Field, Operation } from './operations.ts';
import { counted } from './parts.tsx';
import { choicesOf, kindOf, readField } from './schema-field.ts';

/** Any operation by its name: what it takes and answers is what its schema says. */
type CallAny = (name: string, input: Record<string, unknown>) => Promise<{ result: unknown; seq: number }>;

/** Characters of an answer that are shown. */
const MOST = 40_000;

/** A form made from what an operation takes, and what it answered. */
export function OperationForm({ operation, onBack }: { operation: Operation; onBack(): void }) {
  const { name, summary, kind, fields } = operation;
  const busy = useSignal(false);
  const error = useSignal<unknown>(undefined);
  const answer = useSignal<{ result: unknown; seq: number } | undefined>(undefined);
  const wrong = useSignal<ReadonlyMap<string, string>>(new Map());
  const form = useRef<HTMLFormElement>(null);
  const needed = fields.filter(({ required }) => required);
  const others = fields.filter(({ required }) => !required);
  useEffect(() => {
    form.current?.querySelector<HTMLElement>('input, select, textarea, [type=submit]')?.focus();
  }, []);
  const run = async () => {
    if (kind === 'command' && refuseInPast()) return;
    const given = new FormData(form.current as HTMLFormElement);
    const input: Record<string, unknown> = {};
    const faults = new Map<string, string>();
    for (const { name: field, schema } of fields) {
      try {
        const value = readField(kindOf(field, schema), schema, String(given.get(field) ?? ''));
        if (value !== undefined) input[field] = value;
      } catch (fault) {
        faults.set(field, (fault as Error).message);
      }
    }
    wrong.value = faults;
    if (faults.size > 0) return;
    busy.value = true;
    error.value = undefined;
    answer.value = undefined;
    try {
      const { result, seq } = await (client.value.call as unknown as CallAny)(name, input);
      answer.value = { result, seq };
      if (kind === 'command') await shown(seq);
    } catch (trouble) {
      error.value = trouble;
      if (trouble instanceof ProblemError)
        wrong.value = new Map(
          trouble.errors.map(({ pointer, detail }) => [pointer.slice(1).split('/')[0] as string, detail]),
        );
    } finally {
      busy.value = false;
    }
  };
  return (
    <form
      ref={form}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void run();
      }}
    >
      <p class="faint">{summary}</p>
      {needed.map((field) => (
        <Asked key={field.name} field={field} trouble={wrong.value.get(field.name)} />
      ))}
      {others.length > 0 && (
        <details open={needed.length === 0 || others.some(({ name: field }) => wrong.value.has(field))}>
          <summary>
            {needed.length === 0 ? 'What it takes' : 'What it also takes'} <span class="count">{others.length}</span>
          </summary>
          <div class="fields">
            {others.map((field) => (
              <Asked key={field.name} field={field} trouble={wrong.value.get(field.name)} />
            ))}
          </div>
        </details>
      )}
      {error.value !== undefined && <Trouble error={error.value} />}
      {answer.value !== undefined && (
        <section aria-label="Answer" class="answer">
          <p class="small" role="status">
            <b>Done</b> <span class="faint">at event {counted(answer.value.seq)}</span>
          </p>
          <pre tabIndex={0}>{textOf(answer.value.result)}</pre>
        </section>
      )}
      <footer>
        <button type="button" onClick={onBack}>
          Back
        </button>
        <button type="submit" class="primary" disabled={busy.value}>
          {busy.value ? 'Running' : 'Run'}
        </button>
      </footer>
    </form>
  );
}

function textOf(result: unknown): string {
  const text = JSON.stringify(result, null, 2);
  return text.length <= MOST ? text : `${text.slice(0, MOST)}\n… ${text.length - MOST} characters more`;
}

function Asked({ field: { name, schema, required }, trouble }: { field: Field; trouble: string | undefined }) {
  const kind = kindOf(name, schema);
  const described = trouble === undefined ? undefined : `wrong-${name}`;
  const common = {
    id: `field-${name}`,
    name,
    required,
    dir: 'auto' as const,
    'aria-invalid': trouble !== undefined,
    'aria-describedby': described,
  };
  return (
    <label htmlFor={`field-${name}`}>
      <span>
        <b>{name}</b>
        {required && <span class="needed"> needed</span>}
        {kind === 'list' && <span class="faint"> one to a line</span>}
        {kind === 'json' && <span class="faint"> JSON</span>}
        {schema.description && <span class="faint"> {schema.description}</span>}
      </span>
      {kind === 'choice' || kind === 'flag' ? (
        <select {...common}>
          <option value="" />
          {kind === 'flag' ? (
            <>
              <option value="true">yes</option>
              <option value="false">no</option>
            </>
          ) : (
            choicesOf(schema).map((choice) => <option key={choice}>{choice}</option>)
          )}
        </select>
      ) : kind === 'long' || kind === 'list' || kind === 'json' ? (
        <textarea {...common} rows={kind === 'long' ? 3 : 2} />
      ) : (
        <input
          {...common}
          type="text"
          inputMode={kind === 'number' ? 'numeric' : undefined}
          spellcheck={false}
          autocomplete="off"
          defaultValue={required && name === 'agent' ? (me.peek() ?? '') : ''}
        />
      )}
      {trouble !== undefined && (
        <span id={described} class="trouble">
          {trouble}
        </span>
      )}
    </label>
  );
}
