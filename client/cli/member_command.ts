/** `shardctrlerclient member ...`: who belongs to a group, and how that changes. */
import { CONTROLLERS_GID, type Gid } from "../../shardctrler/configuration/config.ts";
import { MemberClerk, type MemberState } from "../member_clerk.ts";
import { groupServers } from "../status/group_servers.ts";
import { EXIT_OK } from "./cli_exit.ts";
import type { GroupCommandContext } from "./command_context.ts";
import type { MemberCommand } from "./ctrler_cli_args.ts";
import { jsonLine } from "./json_line.ts";
import { paddedRow } from "./padded_row.ts";

/**
 * Runs one command.
 *
 * @returns The exit code
 * @throws {KvError} If the group is not known, or says why not
 */
export async function runMember(
  command: MemberCommand,
  context: GroupCommandContext,
): Promise<number> {
  const { clerk, controllers, dialer, timeoutMs, io } = context;
  const { clock, prng } = io;
  const servers = await groupServers(command.gid, controllers, () => clerk.query());
  const members = new MemberClerk({ servers, dialer, clock, prng, timeoutMs });
  try {
    io.stdout(await answer(command, members, servers, context));
    return EXIT_OK;
  } finally {
    members.close();
  }
}

async function answer(
  command: MemberCommand,
  clerk: MemberClerk,
  servers: readonly string[],
  { json, controllers }: GroupCommandContext,
): Promise<string> {
  if (command.verb === "list") {
    const members = await clerk.list();
    return json ? jsonLine({ gid: command.gid, members }) : membersText(members);
  }
  const { gid, verb } = command;
  switch (command.verb) {
    case "add": {
      const member = await clerk.add(command.address);
      const hint = startHint(gid, member, servers, controllers);
      return json ? jsonLine({ gid, member }) : `Member ${member.id} added\n${hint}`;
    }
    case "promote":
    case "remove":
    case "transfer": {
      const member = await clerk[command.verb](command.id);
      return json ? jsonLine({ gid, member }) : `Member ${verb} OK\n`;
    }
  }
}

/** The command that starts a member which was just added. */
function startHint(
  gid: Gid,
  member: { readonly id: number; readonly address: string },
  servers: readonly string[],
  controllers: readonly string[],
): string {
  const place = `-id ${member.id} -cluster "${servers.join()}" -join ${member.address}`;
  const command = gid === CONTROLLERS_GID
    ? `shardctrlerserver ${place}`
    : `shardkvserver -gid ${gid} ${place} -ctrlers "${controllers.join()}"`;
  return `Start it on an empty disk, with its own -db, by: ${command}\n` +
    `When it has caught up: shardctrlerclient member promote ${gid} ${member.id}\n`;
}

const WIDTHS = [5, 25, 15, 10, 10];
const RULE = "-".repeat(69);

function membersText(members: readonly MemberState[]): string {
  const rows = members.map(({ id, address, role, lag, active }) => [
    id,
    address,
    role,
    lag,
    active ? "up" : "silent",
  ]);
  const lines = [row(["ID", "Address", "Role", "Lag", "State"]), RULE, ...rows.map(row)];
  return lines.map((line) => `${line}\n`).join("");
}

function row(cells: readonly (number | string)[]): string {
  return paddedRow(cells, WIDTHS);
}
