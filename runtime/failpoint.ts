/**
 * Named places in the code where a test may step in: to crash, to wait, to
 * count. Nothing happens there unless somebody registered a hook.
 */

/** Runs at the failpoint; may throw or reject to make the step fail there. */
export type FailpointHook = (detail: unknown) => void | Promise<void>;

/** Undefined while there is none, so that passing a failpoint costs one comparison. */
let hooks: Map<string, FailpointHook> | undefined;

/**
 * Marks a place. Hot paths await the result only if there is one:
 *
 * ```ts
 * import { failpoint } from "./failpoint.ts";
 *
 * const stop = failpoint("raft/beforeSave", { index: 7 });
 * if (stop !== undefined) await stop;
 * ```
 *
 * @param name Where, as `part/step`
 * @param detail What the hook may want to choose by, such as the node
 * @throws Whatever the hook throws
 */
export function failpoint(name: string, detail?: unknown): Promise<void> | undefined {
  if (hooks === undefined) return undefined;
  return hooks.get(name)?.(detail) ?? undefined;
}

/**
 * Registers the hook for a name.
 *
 * @returns Takes the hook away when disposed
 * @throws {TypeError} When the name has a hook
 */
export function setFailpoint(name: string, hook: FailpointHook): Disposable {
  hooks ??= new Map();
  if (hooks.has(name)) throw new TypeError(`Cannot hook failpoint "${name}" twice`);
  hooks.set(name, hook);
  return {
    [Symbol.dispose]() {
      if (hooks?.get(name) === hook) hooks.delete(name);
      if (hooks?.size === 0) hooks = undefined;
    },
  };
}
