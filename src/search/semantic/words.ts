/** Numbers for words, so that a text is a row of numbers. A word that no text has any more is forgotten. */
export class Words {
  readonly #ids = new Map<string, number>();
  readonly #uses = new Map<number, { word: string; texts: number }>();
  readonly #free: number[] = [];
  #last = 0;

  /** The greatest number so far. */
  get last(): number {
    return this.#last;
  }

  /** The number of a word in some text. */
  of(word: string): number | undefined {
    return this.#ids.get(word);
  }

  /** The numbers of all words that begin so, the word itself among them. */
  beginning(prefix: string): number[] {
    const ids: number[] = [];
    for (const [word, id] of this.#ids) if (word.startsWith(prefix)) ids.push(id);
    return ids;
  }

  /** A text's words as numbers, to be given back by {@link drop}. */
  take(words: readonly string[]): Uint32Array {
    return Uint32Array.from(words, (word) => {
      let id = this.#ids.get(word);
      if (id === undefined) {
        this.#ids.set(word, (id = this.#free.pop() ?? ++this.#last));
        this.#uses.set(id, { word, texts: 0 });
      }
      (this.#uses.get(id) as { texts: number }).texts++;
      return id;
    });
  }

  drop(text: Uint32Array): void {
    for (const id of text) {
      const use = this.#uses.get(id);
      if (use === undefined || --use.texts > 0) continue;
      this.#uses.delete(id);
      this.#ids.delete(use.word);
      this.#free.push(id);
    }
  }
}
