import { effect } from '@preact/signals';
import { render } from 'preact';
import { Board } from './board.tsx';
import { Chat } from './chat.tsx';
import { Help } from './help.tsx';
import { Inspector } from './inspector.tsx';
import './keymap.ts';
import { listenToKeys } from './keys.ts';
import { NameDialog } from './name.tsx';
import { NewTask } from './new-task.tsx';
import { OpenPane } from './open-pane.tsx';
import { Palette } from './palette.tsx';
import { isPast } from './past.ts';
import { Rail } from './rail.tsx';
import { chosen } from './rooms.ts';
import { Notices } from './say.tsx';
import { Search } from './search.tsx';
import { follow, link, ready } from './store.ts';
import { Tabs, tab } from './tabs.tsx';
import { Top } from './top.tsx';

function Page() {
  return (
    <div class={`page ${link.value?.state === 'lost' ? 'stale' : ''}`} data-tab={tab.value} data-ready={ready.value}>
      <Top />
      {!isPast() && (
        <>
          <Rail />
          <main>
            <Board />
            <Inspector />
          </main>
          <Chat />
        </>
      )}
      <OpenPane />
      <Tabs />
      <Notices />
      <NameDialog />
      <NewTask />
      <Help />
      <Search />
      <Palette />
    </div>
  );
}

follow();
listenToKeys();
let first = true;
effect(() => {
  chosen.value;
  // Whoever chooses a channel wants to see it.
  if (!first) tab.value = 'chat';
  first = false;
});
render(<Page />, document.getElementById('page') as HTMLElement);
