import { assertRejects } from "@std/assert";
import { ContenderError, ContenderProcess } from "./contender_process.ts";

const OPTIONS = { directory: undefined, keys: 1, valueBytes: 1 };

Deno.test("a checkout that cannot take turns is named, with what it lacks", async () => {
  const checkout = await Deno.makeTempDir({ prefix: "no_checkout_" });
  try {
    const contender = { name: "before", system: "ours", checkout, v8Flags: undefined } as const;
    await assertRejects(
      () => ContenderProcess.start(contender, OPTIONS),
      ContenderError,
      `Cannot start before: '${checkout}' has no tasks/bench/turns/driver.ts`,
    );
  } finally {
    await Deno.remove(checkout);
  }
});

Deno.test("a contender that does not come up is named", async () => {
  const v8Flags = "--no-such-flag";
  const contender = { name: "odd", system: "ours", checkout: undefined, v8Flags } as const;
  await assertRejects(
    () => ContenderProcess.start(contender, OPTIONS),
    ContenderError,
    "Contender odd has ended",
  );
});
