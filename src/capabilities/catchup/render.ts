import type { CatchUp } from './schema.ts';

/** A digest as Markdown, for a context window. */
export function toMarkdown({
  agent,
  addressed,
  decisions,
  tasks,
  channels,
  otherChannels,
  threads,
  cursor,
  more,
  next,
  ack,
}: CatchUp): string {
  const lines = [`# What ${agent} missed`];
  const section = (title: string, total: number, items: string[]) => {
    if (total === 0) return;
    lines.push('', `## ${title} (${total})`, ...items);
    if (items.length < total) lines.push(`- … and ${total - items.length} more`);
  };
  section(
    'For you',
    addressed.total,
    addressed.items.map(
      ({ reason, from, channel, text, id }) => `- ${reason} · ${from} in ${channel}: ${text} [${id}]`,
    ),
  );
  section(
    'Decisions',
    decisions.total,
    decisions.items.map(({ from, text, id }) => `- ${from}: ${text} [${id}]`),
  );
  section(
    'Your tasks',
    tasks.total,
    tasks.items.map(
      ({ status, title, assignee, id }) => `- ${status}${assignee ? ` (${assignee})` : ''}: ${title} [${id}]`,
    ),
  );
  const counts = Object.entries(channels).map(([channel, n]) => `${channel} ${n}`);
  if (otherChannels) counts.push(`${otherChannels.channels} other channels ${otherChannels.messages}`);
  if (counts.length > 0) lines.push('', `Messages: ${counts.join(', ')}`);
  for (const { id, channel, replies, text } of threads)
    lines.push(`- ${replies} replies in ${channel} to: ${text} [${id}]`);
  lines.push('', `cursor: ${cursor}`, `more: ${more}`, `next: ${next}`, `acknowledge: ${ack}`, '');
  return lines.join('\n');
}
