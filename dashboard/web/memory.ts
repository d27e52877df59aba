/** What the browser remembers for the page, or does not: storage may be forbidden. */

export interface Memory {
  /** Null if nothing is remembered. */
  read(name: string): string | null;
  /** Null forgets it. */
  write(name: string, value: string | null): void;
}

/** The part of `Storage` that is used. */
export type ItemStore = Pick<Storage, "getItem" | "setItem" | "removeItem">;

/** @param storage Called each time: where storage is forbidden, even naming it throws */
export function memoryIn(storage: () => ItemStore): Memory {
  return {
    read(name) {
      try {
        return storage().getItem(name);
      } catch {
        return null;
      }
    },
    write(name, value) {
      try {
        if (value === null) storage().removeItem(name);
        else storage().setItem(name, value);
      } catch {
        // The choice lasts as long as the page then.
      }
    },
  };
}
