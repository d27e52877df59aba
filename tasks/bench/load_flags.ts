/** Flags that every benchmark of a whole cluster takes. */
import { choiceFlag, durationFlag, intFlag, stringFlag, valueFlag } from "../../runtime/flags.ts";
import { parseNumbers } from "./number_list.ts";

/** As many callers as one clerk and one connection take without complaint. */
export const CALLERS_MAX = 4_096;

export const loadFlags = {
  warmup: durationFlag({
    // So long V8 needs to compile what one caller at a time calls.
    default: 8_000,
    help: "before each measurement, uncounted",
  }),
  duration: durationFlag({ default: 8_000, min: 500, help: "of each measurement" }),
  valueSize: intFlag({ default: 100, min: 1, max: 1 << 20, help: "`bytes` of a value" }),
  dir: stringFlag({
    default: "",
    help: "`directory` of all data; default: the system's temporary",
  }),
  o: choiceFlag({ default: "text", choices: ["text", "json"], help: "output format" }),
};

const CALLERS_DEFAULT = [1, 8, 64, 256, 1_024];

/** How many callers to measure with, one number after the other. */
export const callersFlag = valueFlag({
  default: CALLERS_DEFAULT,
  defaultText: CALLERS_DEFAULT.join(","),
  placeholder: "numbers",
  help: "callers at a time",
  parse: (text) => parseNumbers(text, CALLERS_MAX),
});
