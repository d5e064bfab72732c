import { Avatar } from './avatar.tsx';
import { showHelp } from './help.tsx';
import { me } from './me.ts';
import { askName } from './name.tsx';
import { newTask } from './new-task.tsx';
import { Pulse } from './pulse.tsx';
import { link } from './store.ts';
import { Ago } from './ticking.tsx';

/** What stands over everything: the connection, how much happens, and who sits here. */
export function Top() {
  return (
    <header class="top">
      <h1>reflectt</h1>
      <LinkState />
      <Pulse />
      <span class="push" />
      <button type="button" onClick={newTask}>
        New task <kbd>c</kbd>
      </button>
      <button type="button" class="quiet" aria-label="Keys" onClick={showHelp}>
        <kbd>?</kbd>
      </button>
      {me.value === undefined ? (
        <button type="button" class="primary" onClick={askName}>
          Come in
        </button>
      ) : (
        <span class="self" title={`You are ${me.value}`}>
          <Avatar name={me.value} size="s" />
          <span class="cut">{me.value}</span>
        </span>
      )}
    </header>
  );
}

function LinkState() {
  const { value } = link;
  const lost = value?.state === 'lost';
  return (
    <span class={`link ${lost ? 'lost' : value === undefined ? 'opening' : 'open'}`} role="status">
      <i class="dot" />
      {value === undefined ? (
        'Connecting'
      ) : lost ? (
        <span>
          Connection lost <Ago at={value.since} /> · trying again
        </span>
      ) : (
        <span>
          live
          {value.state === 'open' && value.latencyMs !== undefined && (
            <span class="faint" aria-hidden="true">
              {' '}
              {value.latencyMs < 10 ? value.latencyMs.toFixed(1) : Math.round(value.latencyMs)} ms
            </span>
          )}
        </span>
      )}
    </span>
  );
}
