/** What a command of `shardctrlerclient` works with that asks the servers of groups. */
import type { Dialer } from "../../rpc/service.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Prng } from "../../runtime/prng.ts";
import type { ConfigSource } from "../calls/routing.ts";

export interface GroupCommandContext {
  readonly clerk: ConfigSource;
  readonly controllers: readonly string[];
  readonly dialer: Dialer;
  /** Milliseconds that each group may take. */
  readonly timeoutMs: number;
  readonly json: boolean;
  readonly io: {
    readonly stdout: (text: string) => void;
    readonly stderr: (text: string) => void;
    readonly clock: Clock;
    readonly prng: Prng;
  };
}
