/** Whether this page may change anything: what the server says, and the token of this tab. */
import { computed, signal } from "@preact/signals";
import type { ActionSupport } from "../../api.ts";
import { memoryIn } from "../memory.ts";
import { api } from "../page_state.ts";

const TOKEN_ITEM = "eraft.token";

/** Of this tab alone. */
const memory = memoryIn(() => sessionStorage);
const support = signal<ActionSupport | null>(null);
const token = signal(memory.read(TOKEN_ITEM) ?? "");

export const adminToken = computed(() => token.value);
/** The server takes actions from those who have its token. */
export const actionsEnabled = computed(() => support.value?.enabled ?? false);
/** Actions are shown only to those who may run them. */
export const mayAct = computed(() => actionsEnabled.value && (support.value?.authorized ?? false));

/** Asks the server; while it does not answer, nothing may be changed. */
export async function refreshAccess(): Promise<void> {
  support.value = await api.getActionSupport(token.peek()).catch(() => null);
}

/**
 * Tries a token and keeps it for this tab if the server takes it.
 *
 * @returns Whether it does
 * @throws {RequestError} If the server does not answer
 */
export async function unlock(candidate: string): Promise<boolean> {
  const answer = await api.getActionSupport(candidate);
  if (!answer.authorized) return false;
  memory.write(TOKEN_ITEM, candidate);
  token.value = candidate;
  support.value = answer;
  return true;
}

/** Forgets the token. */
export function lock(): void {
  memory.write(TOKEN_ITEM, null);
  token.value = "";
  if (support.value !== null) support.value = { ...support.value, authorized: false };
}
