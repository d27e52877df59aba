/** Runs a script and says what its commands print. */
import { ProposalError } from "../../proposal_error.ts";
import { CommandLine } from "./command_line.ts";
import { type Commands, Environment } from "./environment.ts";
import { memberCommands } from "./member_commands.ts";
import { networkCommands } from "./network_commands.ts";
import { nodeCommands } from "./node_commands.ts";
import { roundCommands } from "./round_commands.ts";
import type { Part } from "./script_file.ts";
import { setupCommands } from "./setup_commands.ts";
import { showCommands } from "./show_commands.ts";

const COMMANDS: Commands = {
  ...setupCommands,
  ...nodeCommands,
  ...memberCommands,
  ...roundCommands,
  ...networkCommands,
  ...showCommands,
};

/** Before a command: do it, but print nothing. */
const QUIETLY = "quietly ";

/** The script with what its commands really print in the place of what is expected. */
export function runScript(parts: readonly Part[]): Part[] {
  const environment = new Environment();
  return parts.map((part) => {
    if (part.kind === "prose") return part;
    const expected = part.commands.flatMap((text, i) => {
      try {
        return runCommand(environment, text);
      } catch (cause) {
        throw new Error(`Cannot run line ${part.line + i} '${text}': it failed`, { cause });
      }
    });
    return { ...part, expected: expected.length > 0 ? expected : ["ok"] };
  });
}

function runCommand(environment: Environment, text: string): string[] {
  const isQuiet = text.startsWith(QUIETLY);
  const line = new CommandLine(isQuiet ? text.slice(QUIETLY.length) : text);
  const command = COMMANDS[line.name];
  if (command === undefined) throw new SyntaxError(`Cannot run '${line.name}': no such command`);
  try {
    command(environment, line);
  } catch (error) {
    if (!(error instanceof ProposalError)) throw error;
    environment.print(`refused, ${error.code}: ${error.message}`);
  }
  line.end();
  const printed = environment.takePrinted();
  return isQuiet ? [] : printed;
}
