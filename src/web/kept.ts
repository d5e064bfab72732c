/** What this browser keeps between visits. Where it keeps nothing, a visit begins as the first did. */
export const kept = {
  read(key: string): string | undefined {
    try {
      return localStorage.getItem(`reflectt.${key}`) ?? undefined;
    } catch {
      return undefined;
    }
  },

  /** Undefined takes it away. */
  write(key: string, value: string | undefined): void {
    try {
      if (value === undefined || value === '') localStorage.removeItem(`reflectt.${key}`);
      else localStorage.setItem(`reflectt.${key}`, value);
    } catch {}
  },
};
