import type { IndexView } from '../../kernel/capability.ts';
import { dmChannel } from '../channels/state.ts';

/** Which events a page wants. */
export interface ActivityFilter {
  /** Who did it. */
  agent: string | undefined;
  channel: string | undefined;
  /** True for the types that are wanted; undefined: every type. */
  wants: ((type: string) => boolean) | undefined;
  /** Milliseconds since 1970. */
  since: number | undefined;
}

/** Where an event stands: by the time at which it happened, then by seq. */
export interface Place {
  ts: number;
  seq: number;
  /** Which table has it. */
  source: 'messages' | 'activity';
}

type Params = readonly (string | number)[];

/** A condition that an index answers in the order of time. The index is named: left to itself, SQLite may take a longer way. */
interface Walk {
  source: Place['source'];
  index: string;
  where: string;
  params: Params;
}

/** A statement for the newest places of one walk. */
export interface Statement {
  sql: string;
  params: Params;
}

/** A page to be found: what to walk through, and between what. */
export interface Question {
  walks: readonly Walk[];
  /** Nothing that came later is shown, so that walks read one after another are of one moment. */
  asOf: number;
  before: Pick<Place, 'ts' | 'seq'>;
  since: number;
  limit: number;
}

const NO_PLACE = { ts: Number.MAX_SAFE_INTEGER, seq: Number.MAX_SAFE_INTEGER };

/** What to walk through for the newest events that match, that the reader may read, and that stand before event `before`. */
export function ask(
  view: IndexView,
  filter: ActivityFilter,
  reader: string | undefined,
  before: number | undefined,
  limit: number,
): Question {
  const posts = filter.wants?.('message_posted') === false ? [] : walksOfPosts(filter, reader);
  return {
    walks: [...posts, ...walksOfOthers(view, filter, reader)],
    asOf: view.seq,
    before: before === undefined ? NO_PLACE : placeOfEvent(view, before),
    since: filter.since ?? 0,
    limit,
  };
}

/** The places of a question, newest first. */
export function findPlaces(view: IndexView, question: Question): Place[] {
  let found: Place[] = [];
  let { since } = question;
  for (const walk of question.walks) {
    const { sql, params } = statementOf(walk, question, since);
    const places = view.all<Place>(sql, ...params);
    if (places.length === 0) continue;
    found = newestOf([...found, ...places], question.limit);
    // What is older than a full page is not walked through.
    if (found.length === question.limit) since = (found.at(-1) as Place).ts;
  }
  return found;
}

/** The first places of several walks in the order of the page. */
export function newestOf(places: Place[], limit: number): Place[] {
  return places.sort((a, b) => b.ts - a.ts || b.seq - a.seq).slice(0, limit);
}

/** The statement for one walk of a question. */
export function statementOf(
  { source, index, where, params }: Walk,
  { before, asOf, limit, since: first }: Question,
  since = first,
): Statement {
  return {
    sql: `SELECT ts, seq, '${source}' AS source FROM ${source} INDEXED BY ${index} WHERE ${where} AND (ts, seq) < (?, ?) AND ts >= ? AND seq <= ? ORDER BY ts DESC, seq DESC LIMIT ?`,
    params: [...params, before.ts, before.seq, since, asOf, limit],
  };
}

function placeOfEvent(view: IndexView, seq: number): Pick<Place, 'ts' | 'seq'> {
  const [row] = view.all<{ ts: number }>(
    'SELECT ts FROM activity WHERE seq = ? UNION ALL SELECT ts FROM messages WHERE seq = ?',
    seq,
    seq,
  );
  return { ts: row?.ts ?? 0, seq };
}

/** Direct messages (`private` is 1) are found by their ends. */
function walksOfPosts({ agent, channel }: ActivityFilter, reader: string | undefined): Walk[] {
  const walk = (by: string, where: string, ...params: Params): Walk => ({
    source: 'messages',
    index: `messages_by_${by}`,
    where,
    params,
  });
  const sentBy = (name: string, kind: number) => walk('sender', 'private = ? AND sender = ?', kind, name);
  if (channel !== undefined)
    return [
      agent === undefined
        ? walk('channel', 'channel = ?', channel)
        : walk('channel', 'channel = ? AND sender = ?', channel, agent),
    ];
  if (agent === undefined) {
    const all = [walk('time', 'private = ?', 0), walk('time', 'private = ?', 2)];
    if (reader === undefined) return all;
    const received = walk('recipient', 'private = 1 AND recipient = ? AND sender <> ?', reader, reader);
    return [...all, sentBy(reader, 1), received];
  }
  const own = [sentBy(agent, 0), sentBy(agent, 2)];
  if (reader === undefined) return own;
  return [
    ...own,
    agent === reader
      ? sentBy(agent, 1)
      : walk('channel', 'channel = ? AND sender = ?', dmChannel(agent, reader), agent),
  ];
}

/** A walk for each type, for the indexes end with type and time; one for all of them where nothing is asked. */
function walksOfOthers(view: IndexView, { agent, channel, wants }: ActivityFilter, reader: string | undefined): Walk[] {
  const walk = (index: string, where: string, params: Params): Walk => ({
    source: 'activity',
    index: `activity_by_${index}`,
    where,
    params,
  });
  const walksByType = (index: string, where: string, params: Params) =>
    typesIn(view, `activity_by_${index}`, where, params, wants).map((type) =>
      walk(index, `${where} AND type = ?`, [...params, type]),
    );
  if (channel !== undefined) {
    const seen = "(reader = '' OR reader = ? OR other_reader = ?)";
    const by = agent === undefined ? '' : ' AND actor = ?';
    const more = [reader ?? '', reader ?? '', ...(agent === undefined ? [] : [agent])];
    return walksByType('channel', 'channel = ?', [channel]).map(({ where, params, ...rest }) => ({
      ...rest,
      where: `${where} AND ${seen}${by}`,
      params: [...params, ...more],
    }));
  }
  const scopes: [where: string, suffix: string, name: string][] = [['reader = ?', '', '']];
  if (reader !== undefined) scopes.push(['reader = ?', '', reader], ['other_reader = ?', '_for_other', reader]);
  return scopes.flatMap(([where, suffix, name]) => {
    if (agent !== undefined) return walksByType(`actor${suffix}`, `${where} AND actor = ?`, [name, agent]);
    return wants === undefined ? walk(`time${suffix}`, where, [name]) : walksByType(`type${suffix}`, where, [name]);
  });
}

/** The wanted types of the events that meet a condition: one step in the index for each type. */
function typesIn(
  view: IndexView,
  index: string,
  where: string,
  params: Params,
  wants: ActivityFilter['wants'],
): string[] {
  return view
    .all<{ type: string }>(
      `WITH RECURSIVE found (type) AS (
        SELECT min(type) FROM activity INDEXED BY ${index} WHERE ${where}
        UNION ALL
        SELECT (SELECT min(type) FROM activity INDEXED BY ${index} WHERE ${where} AND type > found.type) FROM found WHERE found.type IS NOT NULL
      ) SELECT type FROM found WHERE type IS NOT NULL`,
      ...params,
      ...params,
    )
    .map(({ type }) => type)
    .filter((type) => wants === undefined || wants(type));
}
