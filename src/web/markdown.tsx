import { Lexer, type Token, type Tokens } from 'marked';
import type { ComponentChildren } from 'preact';
import { hrefOf } from './route.ts';

/** Characters of a message that are shown at first. */
const SHORT = 4_000;
/** Characters up to which text is read as Markdown: what is longer is shown as it is. */
const MOST = 40_000;

/** What a text means, as nodes: no HTML is ever made of it, so nothing in it can become any. */
export function markdown(text: string, me: string | undefined): ComponentChildren {
  if (text.length > MOST) return <pre class="plain">{text}</pre>;
  return <Blocks tokens={new Lexer({ gfm: true, breaks: true }).lex(text)} me={me} />;
}

/** The beginning of a long text, cut at a line where there is one; the text where it is short. */
export function beginning(text: string): string {
  if (text.length <= SHORT) return text;
  const line = text.lastIndexOf('\n', SHORT);
  const cut = text.slice(0, line > SHORT / 2 ? line : SHORT);
  return /[\uD800-\uDBFF]$/.test(cut) ? cut.slice(0, -1) : cut;
}

function Blocks({ tokens, me }: { tokens: readonly Token[]; me: string | undefined }) {
  return <>{tokens.map((token, i) => block(token, i, me))}</>;
}

function block(token: Token, key: number, me: string | undefined): ComponentChildren {
  const inline = (tokens: readonly Token[] | undefined) => spans(tokens ?? [], me);
  switch (token.type) {
    case 'space':
    case 'def':
      return null;
    case 'paragraph':
      return (
        <p key={key} dir="auto">
          {inline(token.tokens)}
        </p>
      );
    case 'heading':
      // A message is no chapter of the page.
      return (
        <p key={key} class="heading" dir="auto">
          {inline(token.tokens)}
        </p>
      );
    case 'code':
      return (
        <pre key={key} tabIndex={0}>
          <code>{token.text}</code>
        </pre>
      );
    case 'blockquote':
      return (
        <blockquote key={key} dir="auto">
          <Blocks tokens={token.tokens ?? []} me={me} />
        </blockquote>
      );
    case 'hr':
      return <hr key={key} />;
    case 'list': {
      const { ordered, start, items } = token as Tokens.List;
      const children = items.map((item, i) => (
        <li key={i} dir="auto">
          {item.task && <span>{item.checked ? '☑ ' : '☐ '}</span>}
          <Blocks tokens={item.tokens} me={me} />
        </li>
      ));
      return ordered ? (
        <ol key={key} start={Number(start) || 1}>
          {children}
        </ol>
      ) : (
        <ul key={key}>{children}</ul>
      );
    }
    case 'table': {
      const { header, rows } = token as Tokens.Table;
      return (
        <div key={key} class="table" tabIndex={0}>
          <table>
            <thead>
              <tr>
                {header.map((cell, i) => (
                  <th key={i} dir="auto">
                    {inline(cell.tokens)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row, n) => (
                <tr key={n}>
                  {row.map((cell, i) => (
                    <td key={i} dir="auto">
                      {inline(cell.tokens)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      );
    }
    case 'text':
      return <span key={key}>{'tokens' in token ? inline(token.tokens) : words(token.raw, me)}</span>;
    default:
      // HTML among it: the text that it is.
      return (
        <p key={key} dir="auto">
          {words(token.raw, me)}
        </p>
      );
  }
}

function spans(tokens: readonly Token[], me: string | undefined): ComponentChildren[] {
  return tokens.map((token, i) => span(token, i, me));
}

function span(token: Token, key: number, me: string | undefined): ComponentChildren {
  const inner = () => spans(token.type === 'codespan' ? [] : ((token as Tokens.Strong).tokens ?? []), me);
  switch (token.type) {
    case 'strong':
      return <strong key={key}>{inner()}</strong>;
    case 'em':
      return <em key={key}>{inner()}</em>;
    case 'del':
      return <del key={key}>{inner()}</del>;
    case 'codespan':
      return <code key={key}>{TASK.test(token.text) ? words(token.text, me) : token.text}</code>;
    case 'br':
      return <br key={key} />;
    case 'escape':
      return token.text;
    case 'link': {
      const address = safeAddress(token.href);
      return address === undefined ? (
        <span key={key}>{token.raw}</span>
      ) : (
        <Outside key={key} address={address}>
          {inner()}
        </Outside>
      );
    }
    case 'image': {
      // Nothing is loaded from elsewhere: a picture is a link to it.
      const address = safeAddress(token.href);
      return address === undefined ? (
        <span key={key}>{token.raw}</span>
      ) : (
        <Outside key={key} address={address}>
          {token.text || address}
        </Outside>
      );
    }
    case 'text':
      return 'tokens' in token && token.tokens ? (
        <span key={key}>{inner()}</span>
      ) : (
        <span key={key}>{words(token.raw, me)}</span>
      );
    default:
      return <span key={key}>{words(token.raw, me)}</span>;
  }
}

function Outside({ address, children }: { address: string; children: ComponentChildren }) {
  return (
    <a href={address} target="_blank" rel="noopener noreferrer nofollow">
      {children}
    </a>
  );
}

/** The address where a link may lead: to the web or to a mailbox, and nowhere else. */
export function safeAddress(href: string): string | undefined {
  try {
    const { protocol, href: whole } = new URL(href);
    return protocol === 'http:' || protocol === 'https:' || protocol === 'mailto:' ? whole : undefined;
  } catch {
    return undefined;
  }
}

const MEANT = /(?<![\w@#/.-])(?:@([A-Za-z0-9][\w.-]{0,63})|#([A-Za-z0-9][\w-]{0,63})|(task-\d+-[A-Za-z0-9_-]{4,}))/g;

const TASK = /^task-\d+-[A-Za-z0-9_-]{4,}$/;

/** Text with what it names as links: tasks, channels, agents. */
function words(text: string, me: string | undefined): ComponentChildren[] {
  const parts: ComponentChildren[] = [];
  let at = 0;
  for (const match of text.matchAll(MEANT)) {
    const [whole, agent, channel, task] = match;
    if (match.index > at) parts.push(text.slice(at, match.index));
    at = match.index + whole.length;
    if (task !== undefined)
      parts.push(
        <a class="meant" href={hrefOf('task', task)}>
          {task}
        </a>,
      );
    else if (channel !== undefined)
      parts.push(
        <a class="meant" href={hrefOf('channel', channel)}>
          #{channel}
        </a>,
      );
    else if (agent !== undefined) {
      // A dot ends a sentence more often than a name.
      const name = agent.replace(/[.-]+$/, '');
      parts.push(
        <a class={`meant agent ${name === me ? 'me' : ''}`} href={hrefOf('agent', name)}>
          @{name}
        </a>,
        agent.slice(name.length),
      );
    }
  }
  if (at < text.length) parts.push(text.slice(at));
  return parts;
}
