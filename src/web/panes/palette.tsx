import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { Dialog } from '../dialog.tsx';
import { go } from '../route.ts';
import { Loaded, useLoading } from './loading.tsx';
import { OperationForm } from './operation-form.tsx';
import { everyOperation, matching, type Operation } from './operations.ts';

interface Choice {
  name: string;
  summary: string;
  operation?: Operation;
  run?(): void;
}

/** What the palette opens beside operations. */
export interface Opens {
  name: string;
  title: string;
}

/** Every operation of the server by name or by what it says; the chosen one with a form made from its schema. */
export default function Palette({ opens, onClose }: { opens: readonly Opens[]; onClose(): void }) {
  const chosen = useSignal<Operation | undefined>(undefined);
  const text = useSignal('');
  const loading = useLoading('', everyOperation);
  const operation = chosen.value;
  return (
    <Dialog
      title={operation?.name ?? 'Do anything'}
      kind="wide"
      onClose={() => {
        if (operation === undefined) onClose();
        else chosen.value = undefined;
      }}
    >
      <div class="palette">
        {operation === undefined ? (
          <Loaded of={loading}>
            {(operations) => (
              <List
                text={text.value}
                onText={(value) => {
                  text.value = value;
                }}
                choices={matching(
                  [
                    ...opens.map(({ name, title }) => ({
                      name: title,
                      summary: 'Opens the pane.',
                      run: () => go(name),
                    })),
                    ...operations.map((each) => ({ name: each.name, summary: each.summary, operation: each })),
                  ],
                  text.value,
                )}
                onChoose={(choice) => {
                  if (choice.operation) chosen.value = choice.operation;
                  else {
                    onClose();
                    choice.run?.();
                  }
                }}
              />
            )}
          </Loaded>
        ) : (
          <OperationForm
            key={operation.name}
            operation={operation}
            onBack={() => {
              chosen.value = undefined;
            }}
          />
        )}
      </div>
    </Dialog>
  );
}

function List({
  text,
  onText,
  choices,
  onChoose,
}: {
  text: string;
  onText(text: string): void;
  choices: readonly Choice[];
  onChoose(choice: Choice): void;
}) {
  const at = useSignal(0);
  const list = useRef<HTMLDivElement>(null);
  const field = useRef<HTMLInputElement>(null);
  const current = Math.min(at.value, choices.length - 1);
  useEffect(() => field.current?.focus(), []);
  useEffect(() => {
    list.current?.children[current]?.scrollIntoView({ block: 'nearest' });
  }, [current]);
  return (
    <>
      <input
        ref={field}
        role="combobox"
        aria-label="What is to be done"
        aria-expanded="true"
        aria-controls="operations"
        aria-activedescendant={current >= 0 ? `operation-${current}` : undefined}
        placeholder="An operation, or what it is about"
        spellcheck={false}
        autocomplete="off"
        value={text}
        onInput={({ currentTarget }) => {
          at.value = 0;
          onText(currentTarget.value);
        }}
        onKeyDown={(event) => {
          if (event.isComposing) return;
          const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
          if (step !== undefined) at.value = Math.max(0, Math.min(choices.length - 1, current + step));
          else if (event.key === 'Enter' && choices[current]) onChoose(choices[current]);
          else return;
          event.preventDefault();
        }}
      />
      <div ref={list} class="operations" role="listbox" id="operations" aria-label="Operations" tabIndex={-1}>
        {choices.map((choice, i) => (
          <div
            key={choice.name}
            id={`operation-${i}`}
            role="option"
            tabIndex={-1}
            aria-selected={i === current}
            onMouseDown={(event) => {
              event.preventDefault();
              onChoose(choice);
            }}
          >
            <b>{choice.name}</b>
            <span class="tag">{choice.operation?.kind ?? 'pane'}</span>
            <span class="faint">{choice.summary}</span>
          </div>
        ))}
      </div>
      {choices.length === 0 && (
        <p class="empty">
          No operation says that. <code>curl {location.origin}/capabilities</code> lists them all.
        </p>
      )}
    </>
  );
}
