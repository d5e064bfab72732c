import { Order } from './order.ts';

interface Entry {
  id: string;
  at: number;
}

const EVERYTHING = [''];

/**
 * What is to be looked at again, and when. A time that has moved on is found when the former one comes, so that what
 * happens often costs no search here.
 */
export class Agenda {
  readonly #touched = new Set<string>();
  readonly #entries = new Map<string, Entry>();
  readonly #order = new Order<Entry>({ groups: () => EVERYTHING, key: ({ at, id }) => [at, id] });

  /** Looks at it again, at once. */
  touch(id: string): void {
    this.#touched.add(id);
  }

  /**
   * The time at which the first has to be done; `until` says of each that is looked at when that is, and undefined where
   * time alone brings nothing.
   */
  next(wall: number, until: (id: string) => number | undefined): number | undefined {
    for (const id of this.#touched) this.#enter(id, until(id), wall);
    this.#touched.clear();
    for (;;) {
      const first = this.#first();
      if (first === undefined || first.at > wall) return first?.at;
      const at = until(first.id);
      if (at !== undefined && at <= wall) return first.at;
      this.#put(first.id, at);
    }
  }

  /** What is to be done now, or at least to be looked at; the first so many. */
  due(wall: number, most: number): string[] {
    const due: string[] = [];
    for (const id of this.#order.ids(EVERYTHING)) {
      if (due.length === most || (this.#entries.get(id) as Entry).at > wall) break;
      due.push(id);
    }
    return due;
  }

  #enter(id: string, at: number | undefined, wall: number): void {
    const { at: before = Number.POSITIVE_INFINITY } = this.#entries.get(id) ?? {};
    // It is looked at before that anyway.
    if (before > wall && before <= (at ?? Number.POSITIVE_INFINITY)) return;
    this.#put(id, at);
  }

  #put(id: string, at: number | undefined): void {
    const entry = at === undefined ? undefined : { id, at };
    this.#order.change(this.#entries.get(id), entry);
    if (entry) this.#entries.set(id, entry);
    else this.#entries.delete(id);
  }

  #first(): Entry | undefined {
    const id = this.#order.first('');
    return id === undefined ? undefined : this.#entries.get(id);
  }
}
