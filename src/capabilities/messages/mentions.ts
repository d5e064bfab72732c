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
