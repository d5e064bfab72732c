import { Avatar } from './avatar.tsx';
import { nameOfKey, showHelp } from './help.tsx';
import { me } from './me.ts';
import { askName } from './name.tsx';
import { newTask } from './new-task.tsx';
import { openPalette } from './palette.tsx';
import { Pulse } from './pulse.tsx';
import { startSearch } from './search.tsx';
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
      <button type="button" onClick={startSearch}>
        <Icon path="M7 12a5 5 0 1 0 0-10 5 5 0 0 0 0 10m3.6-1.4L14.5 14.5" /> <span class="label">Search</span>{' '}
        <kbd>/</kbd>
      </button>
      <button type="button" onClick={newTask}>
        <Icon path="M8 2.5v11M2.5 8h11" /> <span class="label">New task</span> <kbd>c</kbd>
      </button>
      <button type="button" onClick={openPalette}>
        <Icon path="M3 4.5 6.5 8 3 11.5M8.5 12h5" /> <span class="label">Do anything</span>{' '}
        <kbd>{nameOfKey('Mod+k')}</kbd>
      </button>
      <button type="button" class="quiet keys" aria-label="Keys" onClick={showHelp}>
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

/** A drawing of lines, on a square of 16. */
function Icon({ path }: { path: string }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={path} />
    </svg>
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
