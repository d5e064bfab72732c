import sortedBtree from 'sorted-btree';

/** A place in an order: numbers and strings, compared one after another. It ends with the entity's id, so that no two are equal. */
export type OrderKey = readonly (number | string)[];

/**
 * How the entities of a collection stand: each in no, one or several groups, in every group by one key. A group's
 * length costs nothing to know, and its first entities nothing more than reading them.
 */
export interface OrderSpec<T> {
  groups(entity: T): readonly string[];
  key(entity: T): OrderKey;
}

const BTree = sortedBtree.default;
type Tree = InstanceType<typeof BTree<OrderKey, string>>;

/** Negative where `a` stands before `b`. */
export function compareKeys(a: OrderKey, b: OrderKey): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a[i] as number;
    const y = b[i] as number;
    if (x !== y) return x < y ? -1 : 1;
  }
  return a.length - b.length;
}

/** Ids of entities in the order that a spec declares. */
export class Order<T> {
  readonly #spec: OrderSpec<T>;
  readonly #groups = new Map<string, Tree>();
  /** Where each entity stands that stands anywhere. */
  readonly #places = new Map<string, { groups: readonly string[]; key: OrderKey }>();

  constructor(spec: OrderSpec<T>) {
    this.#spec = spec;
  }

  /** Moves an entity from where it stood to where it stands now; undefined stands nowhere. */
  change(id: string, entity: T | undefined): void {
    const before = this.#places.get(id);
    const groups = entity === undefined ? [] : this.#spec.groups(entity);
    const after = groups.length === 0 ? undefined : { groups, key: this.#spec.key(entity as T) };
    const stays = before !== undefined && after !== undefined && compareKeys(before.key, after.key) === 0;
    if (stays && before.groups === after.groups) return;
    if (before) {
      for (const group of before.groups) if (!(stays && groups.includes(group))) this.#remove(group, before.key);
    }
    if (after) {
      for (const group of groups) if (!(stays && before.groups.includes(group))) this.#add(group, after.key, id);
      this.#places.set(id, after);
    } else if (before) this.#places.delete(id);
  }

  #add(group: string, key: OrderKey, id: string): void {
    let tree = this.#groups.get(group);
    if (tree === undefined) this.#groups.set(group, (tree = new BTree<OrderKey, string>(undefined, compareKeys)));
    tree.set(key, id);
  }

  #remove(group: string, key: OrderKey): void {
    const tree = this.#groups.get(group);
    tree?.delete(key);
    if (tree?.size === 0) this.#groups.delete(group);
  }

  first(group: string): string | undefined {
    const tree = this.#groups.get(group);
    const key = tree?.minKey();
    return key === undefined ? undefined : tree?.get(key);
  }

  size(group: string): number {
    return this.#groups.get(group)?.size ?? 0;
  }

  /** Groups that are not empty. */
  groups(): IterableIterator<string> {
    return this.#groups.keys();
  }

  /** Ids of a group, from the first or from the first at or after a key. */
  ids(group: string, from?: OrderKey): IterableIterator<string> {
    return this.#groups.get(group)?.values(from) ?? [].values();
  }
}
