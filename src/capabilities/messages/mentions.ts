const NAME_CHARACTER = /[\w.-]/;

/** True where the text says `@name` and the name ends there; letters of either case. No pattern is made of the name. */
export function mentions(text: string, name: string): boolean {
  const haystack = text.toLowerCase();
  const needle = `@${name.toLowerCase()}`;
  for (let at = haystack.indexOf(needle); at !== -1; at = haystack.indexOf(needle, at + 1)) {
    const before = at === 0 ? '' : (haystack[at - 1] as string);
    if (/\w/.test(before)) continue;
    let end = at + needle.length;
    // A full stop or dash that ends the sentence is not part of a longer name.
    while (end < haystack.length && /[.-]/.test(haystack[end] as string)) end++;
    if (end === at + needle.length ? !NAME_CHARACTER.test(haystack[end] ?? '') : !/\w/.test(haystack[end] ?? ''))
      return true;
  }
  return false;
}

/** Names that one message may mention. */
const MOST = 50;
const NAME = /^[A-Za-z0-9][\w.-]{0,63}$/;

/**
 * The agents that a text names after an `@`, each once. What `known` does not know is taken as it is written, without
 * the full stop or dash that ends a sentence: somebody may come by that name.
 */
export function namesIn(text: string, known: (name: string) => string | undefined): string[] {
  const names = new Set<string>();
  for (let at = text.indexOf('@'); at !== -1 && names.size < MOST; at = text.indexOf('@', at + 1)) {
    if (at > 0 && /\w/.test(text[at - 1] as string)) continue;
    let end = at + 1;
    while (end < text.length && end - at <= 80 && NAME_CHARACTER.test(text[end] as string)) end++;
    const written = text.slice(at + 1, end);
    const plain = written.replace(/[.-]+$/, '');
    const name = known(written) ?? known(plain) ?? plain;
    if (NAME.test(name)) names.add(name);
  }
  return [...names];
}

/** Whatever {@link mentions} may take for a name in a text, in lower case. */
export function wordsAfterAt(text: string): string[] {
  const haystack = text.toLowerCase();
  const words = new Set<string>();
  for (let at = haystack.indexOf('@'); at !== -1; at = haystack.indexOf('@', at + 1)) {
    let end = at + 1;
    while (end < haystack.length && end - at <= 80 && NAME_CHARACTER.test(haystack[end] as string)) end++;
    for (; end > at + 1; end--) {
      words.add(haystack.slice(at + 1, end));
      if (!/[.-]/.test(haystack[end - 1] as string)) break;
    }
  }
  return [...words];
}
