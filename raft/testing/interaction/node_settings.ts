/** Settings of a node as options of a command: `pre-vote=false inflight-messages-max=3`. */
import { DEFAULT_RAFT_CONFIG, type RaftConfig } from "../../config.ts";
import type { CommandLine } from "./command_line.ts";

/** Takes every option that is left on the line for a setting. */
export function settingsOf(line: CommandLine): Partial<RaftConfig> {
  const settings: Record<string, number | boolean> = {};
  for (const [option, value] of line.options()) {
    const name = option.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());
    if (!(name in DEFAULT_RAFT_CONFIG)) {
      throw new SyntaxError(`Cannot set '${option}': there is no such setting`);
    }
    settings[name] = value === "true" || (value === "false" ? false : Number(value));
  }
  return settings;
}
