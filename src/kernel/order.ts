import sortedBtree from 'sorted-btree';

/** A place in an order: numbers and strings, compared one after another. It ends with the entity's id, so that no two are equal. */
export type OrderKey = readonly (number | string)[];

/**
 * How the entities of a collection stand: each in no, one or several groups, in every group by one key. A group's
 * length costs nothing to know, and its first entities nothing more than reading them.
 */
export interface OrderSpec<T> {
  /** The fields that groups and key are made of: an entity that is put with the same values stays where it stands. */
  fields?: readonly (keyof T)[];
  groups(entity: T): readonly string[];
  key(entity: T): OrderKey;
}

const BTree = sortedBtree.default;
type Tree = InstanceType<typeof BTree<OrderKey, undefined>>;

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

const NOWHERE: readonly string[] = [];

/** Ids of entities in the order that a spec declares. Where one stands is seen from the entity: nothing else is kept of it. */
export class Order<T> {
  readonly #spec: OrderSpec<T>;
  readonly #groups = new Map<string, Tree>();

  constructor(spec: OrderSpec<T>) {
    this.#spec = spec;
  }

  /** Moves an entity from where it stood, as it was, to where it stands as it is; undefined stands nowhere. */
  change(before: T | undefined, after: T | undefined): void {
    const { fields, groups, key } = this.#spec;
    if (fields !== undefined && before !== undefined && after !== undefined && same(fields, before, after)) return;
    const from = before === undefined ? NOWHERE : groups(before);
    const to = after === undefined ? NOWHERE : groups(after);
    const left = from.length === 0 ? undefined : key(before as T);
    const place = to.length === 0 ? undefined : key(after as T);
    const stays = left !== undefined && place !== undefined && compareKeys(left, place) === 0;
    for (const group of from) if (!(stays && to.includes(group))) this.#remove(group, left as OrderKey);
    for (const group of to) if (!(stays && from.includes(group))) this.#add(group, place as OrderKey);
  }

  #add(group: string, key: OrderKey): void {
    let tree = this.#groups.get(group);
    if (tree === undefined) this.#groups.set(group, (tree = new BTree<OrderKey, undefined>(undefined, compareKeys)));
    tree.set(key, undefined);
  }

  #remove(group: string, key: OrderKey): void {
    const tree = this.#groups.get(group);
    tree?.delete(key);
    if (tree?.size === 0) this.#groups.delete(group);
  }

  first(group: string): string | undefined {
    const key = this.#groups.get(group)?.minKey();
    return key === undefined ? undefined : idOf(key);
  }

  size(group: string): number {
    return this.#groups.get(group)?.size ?? 0;
  }

  /** Groups that are not empty. */
  groups(): IterableIterator<string> {
    return this.#groups.keys();
  }

  /** Ids of groups that have no entity in common, in one order, from the first or from the first at or after a key. */
  *ids(groups: readonly string[], from?: OrderKey): Generator<string, void> {
    const heads: { keys: IterableIterator<OrderKey>; key: OrderKey }[] = [];
    for (const group of groups) {
      const keys = this.#groups.get(group)?.keys(from);
      const first = keys?.next();
      if (keys && first && !first.done) heads.push({ keys, key: first.value });
    }
    while (heads.length > 0) {
      let least = 0;
      for (let i = 1; i < heads.length; i++)
        if (compareKeys((heads[i] as (typeof heads)[0]).key, (heads[least] as (typeof heads)[0]).key) < 0) least = i;
      const head = heads[least] as (typeof heads)[0];
      yield idOf(head.key);
      const next = head.keys.next();
      if (next.done) heads.splice(least, 1);
      else head.key = next.value;
    }
  }
}

function idOf(key: OrderKey): string {
  return key[key.length - 1] as string;
}

function same<T>(fields: readonly (keyof T)[], before: T, after: T): boolean {
  for (const field of fields) if (before[field] !== after[field]) return false;
  return true;
}
