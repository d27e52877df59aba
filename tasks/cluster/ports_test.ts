import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { planNodes } from "./plan.ts";
import { checkPorts, dashboardPort, PortError } from "./ports.ts";

Deno.test("checkPorts() names the port in use and the flag that moves it", () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const address = `127.0.0.1:${taken.addr.port}`;
  const plan = (controller: string, server: string) =>
    planNodes({
      controllers: [controller],
      groups: [{ gid: 100, addresses: [server] }],
      shards: 1,
      db: "/d",
    });
  const error = assertThrows(() => checkPorts(plan(address, "127.0.0.1:0")), PortError);
  assertEquals(
    error.message,
    `Cannot listen on port ${taken.addr.port}: it is in use; ` +
      "stop what uses it, or choose others with -ctrler-port",
  );
  assertThrows(() => checkPorts(plan("127.0.0.1:0", address)), PortError, "-group-port");
});

Deno.test("dashboardPort() goes elsewhere when the usual port is taken, but not from one that was chosen", () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  const other = dashboardPort({ port, isChosen: false });
  assertNotEquals(other, port);
  assertEquals(dashboardPort({ port: other, isChosen: false }), other);
  assertThrows(() => dashboardPort({ port, isChosen: true }), PortError, "-dashboard-port");
});
