import { assertEquals } from "@std/assert";
import { CheckServiceService, type HashResponse } from "../../proto/gen/check.ts";
import { MemoryNetwork } from "../../rpc/memory/memory_network.ts";
import { stream } from "../../rpc/service.ts";
import { VirtualClock } from "../../runtime/virtual_clock.ts";
import { StateHashCall } from "./state_hash_call.ts";

Deno.test("StateHashCall.hash() resolves once the replica is ready for the next check", async () => {
  const clock = new VirtualClock();
  const network = new MemoryNetwork({ clock });
  let isBusy = false;
  const response: HashResponse = {
    ...{ gid: 100, index: 7, records: 1, bytes: 2 },
    sha256: Buffer.alloc(32, 1),
  };
  const route = stream(CheckServiceService.hash, async (call) => {
    isBusy = true;
    for await (const _ of call.requests) call.send(response);
    isBusy = false;
  });
  const server = network.serve("replica:1", [route]);
  const dialer = network.dialer("checker");
  const call = new StateHashCall(dialer, "replica:1", new AbortController().signal);
  assertEquals((await clock.resolve(call.look(7, 0), 1_000)).index, 7);
  assertEquals(isBusy, true);
  assertEquals((await clock.resolve(call.hash(), 1_000)).sha256, response.sha256);
  assertEquals(isBusy, false);
  call.close();
  await dialer.close();
  server.close();
});
