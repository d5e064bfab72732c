import type { Definition } from './definitions.ts';

interface Named {
  definition: Definition;
  name: string;
  /** `category.name`, which is it even where the name is taken. */
  qualified: string;
}

/** Gives each tool a name of its own: what it wants, or `category.name` where several want the same. */
export function nameAll(definitions: readonly Definition[]): Named[] {
  const wanted = new Map<string, number>();
  for (const { wants } of definitions) wanted.set(wants, (wanted.get(wants) ?? 0) + 1);
  const taken = new Set<string>();
  return definitions.map((definition) => {
    const { wants, category, faults } = definition;
    let qualified = `${category}.${wants}`;
    let name = wanted.get(wants) === 1 ? wants : qualified;
    if (taken.has(name) || taken.has(qualified)) {
      faults.push({ status: 'invalid', reason: `another tool is called ${qualified}` });
      for (let n = 2; taken.has(name) || taken.has(qualified); n++) name = qualified = `${category}.${wants}.${n}`;
    }
    taken.add(name).add(qualified);
    return { definition, name, qualified };
  });
}
