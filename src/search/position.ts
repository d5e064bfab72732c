import { Refusal } from '../kernel/errors.ts';
import { KINDS, type Kind } from './rows-schema.ts';
import type { Position } from './stream.ts';

/** Where a search goes on: what it found, and for each kind the highest row that it sees and where its hits stand. */
export interface Resume {
  every: boolean;
  kinds: Map<Kind, { ceiling: number; position: Position }>;
}

const NUMBER = '[0-9a-z]{1,11}';
const TEXT = new RegExp(
  `^(all|any)((?:_(?:${KINDS.join('|')})\\.${NUMBER}\\.${NUMBER}\\.${NUMBER}){0,${KINDS.length}})$`,
);

/** As text: `all_messages.<ceiling>.<top>.<offset>_tasks…`. */
export function formatResume({ every, kinds }: Resume): string {
  const parts = [...kinds].map(
    ([
      kind,
      {
        ceiling,
        position: { top, offset },
      },
    ]) => [kind, ...[ceiling, top, offset].map((n) => n.toString(36))].join('.'),
  );
  return [every ? 'all' : 'any', ...parts].join('_');
}

/** Throws `invalid_cursor`. */
export function parseResume(text: string): Resume {
  const match = TEXT.exec(text);
  if (match === null) throw new Refusal('invalid_cursor', `"${text.slice(0, 64)}" is no cursor of a search.`);
  const [, how, rest = ''] = match;
  const parts = rest.split('_').filter(Boolean);
  const kinds = parts.map((part) => {
    const [kind, ...numbers] = part.split('.');
    const [ceiling = 0, top = 0, offset = 0] = numbers.map((n) => Math.min(Number.parseInt(n, 36), 2 ** 52));
    return [kind as Kind, { ceiling, position: { top, offset } }] as const;
  });
  return { every: how === 'all', kinds: new Map(kinds) };
}
