import { assertEquals } from "@std/assert";
import { firstRoster, type Roster } from "../raft/node/members/roster.ts";
import type { RaftNodeStatus } from "../raft/node/raft_node_options.ts";
import { silentLogger } from "../runtime/logger.ts";
import { VirtualClock } from "../runtime/virtual_clock.ts";
import {
  type Config,
  emptyConfig,
  type GroupIdentity,
} from "../shardctrler/configuration/config.ts";
import { ServerList } from "./server_list.ts";

const IDENTITY = "77";
const first = firstRoster(new Map([[1, "a:1"], [2, "b:1"]]));

/** What a leader tells the controllers of its group's servers, given what they know. */
async function told(
  roster: Roster,
  known: readonly string[],
  named: GroupIdentity = IDENTITY,
): Promise<(readonly string[])[]> {
  const lists: (readonly string[])[] = [];
  const config: Config = {
    ...emptyConfig(1),
    groups: new Map([[7, known]]),
    identities: new Map([[7, named]]),
  };
  const status: RaftNodeStatus = {
    id: 1,
    role: "leader",
    term: 1,
    leader: 1,
    leaderAddress: "a:1",
    commit: 1,
    applied: 1,
    firstIndex: 1,
    lastIndex: 1,
  };
  const clock = new VirtualClock();
  const end = () => () => {};
  const list = new ServerList({
    gid: 7,
    raft: { roster, status: () => status, onRoleChange: end, onRosterChange: end },
    machine: { ownership: { config, identity: IDENTITY } },
    controllers: {
      changeServers: (_, servers, options) => {
        assertEquals(options?.identity, IDENTITY);
        lists.push(servers);
        return Promise.resolve(config);
      },
    },
    clock,
    logger: silentLogger,
    onFatal: (error) => {
      throw error;
    },
  });
  list.start();
  await clock.advance(100);
  await list.stop();
  return lists;
}

Deno.test("A leader tells the controllers of its servers once the members have changed", async () => {
  const grown = {
    ...first,
    conf: { ...first.conf, voters: [1, 2, 3] },
    members: [...first.members, { id: 3, address: "c:1", incarnation: "9" }],
    nextId: 4,
  };
  assertEquals(await told(grown, ["a:1", "b:1"]), [["a:1", "b:1", "c:1"]]);
  assertEquals(await told(grown, ["c:1", "b:1", "a:1"]), []);
  // The number is another group's by now.
  assertEquals(await told(grown, ["a:1", "b:1"], "78"), []);
});

Deno.test("A leader tells the controllers that a member has gone and left the first ones", async () => {
  assertEquals(await told({ ...first, nextId: 4 }, ["a:1", "b:1", "c:1"]), [["a:1", "b:1"]]);
});

Deno.test("A leader does not correct the addresses under which its group has joined", async () => {
  assertEquals(await told(first, ["other-a:1", "other-b:1"]), []);
});
