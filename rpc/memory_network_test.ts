import { systemClock } from "../runtime/clock.ts";
import { testCarrier } from "./carrier_conformance.ts";
import { MemoryNetwork } from "./memory_network.ts";

testCarrier("MemoryNetwork", (routes) => {
  const network = new MemoryNetwork({ clock: systemClock });
  const server = network.serve("server:1", routes);
  const closeServer = () => {
    server.close();
    return Promise.resolve();
  };
  return Promise.resolve({ address: server.address, dialer: network.dialer(), closeServer });
});
