/** A mark for somebody: two letters on a colour that the name decides. */
export function Avatar({ name, size = 'm' }: { name: string; size?: 's' | 'm' }) {
  let hash = 0;
  for (const character of name) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) >>> 0;
  return (
    <span class={`avatar ${size} hue-${hash % 8}`} aria-hidden="true">
      {name.slice(0, 2)}
    </span>
  );
}
