/** Which version this is, and which Deno it runs on. */
import config from "../deno.json" with { type: "json" };

/** This project's version. */
export const VERSION: string = config.version;

const denoWanted = "2.9.3";

/** These abort the whole process when an HTTP/2 client sends GOAWAY, which every client does. */
const denoRefused: readonly string[] = ["2.9.4", "2.9.5", "2.9.6"];

/**
 * Refuses a Deno that is known to crash under load.
 *
 * @throws {Error} On such a version; one line that says which to use instead
 */
export function checkDenoVersion(current: string = Deno.version.deno): void {
  if (!denoRefused.includes(current.replace(/[-+].*$/, ""))) return;
  throw new Error(
    `Cannot run on Deno ${current}: it aborts when an HTTP/2 client says goodbye; ` +
      `use Deno ${denoWanted}: npx -y deno@${denoWanted} ...`,
  );
}
