/** Which revision of the sources a build is made from. */
import { runCommand } from "./command.ts";

/** The commit, with `-dirty` when files differ from it; `unknown` outside of a Git repository. */
export async function gitRevision(root: string): Promise<string> {
  const git = (...args: string[]) => runCommand("git", ["-C", root, ...args]);
  try {
    const commit = (await git("rev-parse", "HEAD")).trim();
    const changes = await git("status", "--porcelain", "--untracked-files=no");
    return changes === "" ? commit : `${commit}-dirty`;
  } catch {
    return "unknown";
  }
}

/** JavaScript that tells the program its revision, to run before it. */
export function revisionScript(revision: string): string {
  return `globalThis.eraftRevision = ${JSON.stringify(revision)};\n`;
}
