/** What to tell when a request has failed. */
import { RequestError } from "./api_client.ts";
import type { Messages } from "./messages/messages.ts";

export function failureText(error: unknown, { failed }: Messages): string {
  if (!(error instanceof RequestError)) return failed.unreadable(String(error));
  if (error.code === "unreachable") return failed.unreachable;
  if (error.code === "unreadable") return failed.unreadable(error.message);
  return error.message;
}
