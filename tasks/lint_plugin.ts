/**
 * The project's own lint rules. `deno lint` and editors load them through deno.json; every finding
 * says what to do instead.
 */
import { constantNameRule } from "./lint/constant_name.ts";
import { errorMessageRule } from "./lint/error_message.ts";
import { hostTimeRule } from "./lint/host_time.ts";
import { pureCoreRule } from "./lint/pure_core.ts";

const plugin: Deno.lint.Plugin = {
  name: "eraft",
  rules: {
    "pure-core": pureCoreRule,
    "host-time": hostTimeRule,
    "error-message": errorMessageRule,
    "constant-name": constantNameRule,
  },
};

export default plugin;
