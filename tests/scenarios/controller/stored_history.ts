/** What a controller has on its disk, whatever it says. */
import { Config as ConfigMessage } from "../../../proto/gen/shardctrler.ts";
import { decodeConfig } from "../../../shardctrler/configuration/config_codec.ts";
import { type Config } from "../../../shardctrler/configuration/config.ts";
import { configRange } from "../../../shardctrler/machine/machine_keys.ts";
import type { Engine } from "../../../storage/engine.ts";
import { MACHINE_PREFIX_BYTES, machineRange } from "../../../storage/key_space.ts";

/** Every configuration in the newest generation of the engine's data, in order. */
export async function storedHistory(engine: Engine): Promise<Config[]> {
  const pairs = await engine.scan(machineRange());
  const newest = pairs.at(-1)?.key.subarray(0, MACHINE_PREFIX_BYTES);
  const { start, end } = configRange();
  const configs: Config[] = [];
  for (const { key, value } of pairs) {
    const own = key.subarray(MACHINE_PREFIX_BYTES);
    const isConfig = own.compare(start) >= 0 && own.compare(end) < 0;
    if (newest === undefined || key.indexOf(newest) !== 0 || !isConfig) continue;
    configs.push(decodeConfig(ConfigMessage.decode(value)));
  }
  return configs;
}
