import { assertEquals, assertStringIncludes } from "@std/assert";
import plugin from "./lint_plugin.ts";

/** Messages of the findings, in order. */
function lint(filename: string, source: string): string[] {
  return Deno.lint.runPlugin(plugin, filename, source).map((finding) => finding.message);
}

Deno.test("pure-core finds host globals, waiting and chance in the core", () => {
  const source = `
    export async function f() { await g(); }
    const now = Date.now();
    const timer = setTimeout(f, 1);
    const dice = Math.random();
    Deno.exit(1);
  `;
  const text = lint("raft/raft_core.ts", source).join("\n");
  for (const what of ["an async function", "await", "Date", "setTimeout", "Math.random", "Deno"]) {
    assertStringIncludes(text, what);
  }
});

Deno.test("pure-core takes members and keys of the same name for what they are", () => {
  const source = `
    const OPTIONS = { performance: 1, crypto: 2 };
    export const sum = OPTIONS.performance + OPTIONS.crypto;
    interface Shape { Date: number; fetch(): void }
    export type Kept = Shape;
  `;
  assertEquals(lint("raft/raft_core.ts", source), []);
});

Deno.test("pure-core sees a global behind a shorthand property", () => {
  const found = lint("raft/raft_core.ts", "export const all = { crypto };");
  assertEquals(new Set(found), new Set(["Pure code must not use `crypto`"]));
});

Deno.test("pure-core leaves drivers and tests of the core alone", () => {
  const source = "export async function f() { await g(); Deno.exit(1); }";
  for (
    const file of ["raft/node/raft_node.ts", "raft/raft_core_test.ts", "shardkv/service/service.ts"]
  ) {
    assertEquals(lint(file, source), [], file);
  }
});

Deno.test("pure-core lets machines wait for their reads, and no more", () => {
  const source = "export async function load() { await reader.get(key); Deno.exit(1); }";
  assertEquals(lint("shardkv/machine/machine.ts", source), ["Pure code must not use `Deno`"]);
});

Deno.test("pure-core covers the pure files outside the core", () => {
  const files = [
    "raft/node/sessions/session_table.ts",
    "shardctrler/configuration/rebalance.ts",
    "shardctrler/machine/machine.ts",
    "shardkv/machine/machine.ts",
    "shardkv/machine/prefetch.ts",
  ];
  for (const file of files) {
    assertEquals(lint(file, "fetch(x);"), ["Pure code must not use `fetch`"], file);
  }
});

Deno.test("host-time finds clocks, timers and chance outside runtime", () => {
  const source = `
    setTimeout(f, 10);
    const a = Date.now() + performance.now();
    const b = new Date();
    const c = Math.random() + crypto.randomUUID();
    const d = AbortSignal.timeout(5);
  `;
  assertEquals(lint("client/calls/routing.ts", source).length, 7);
});

Deno.test("host-time allows dates made of a value, and everything in runtime, tests and tasks", () => {
  assertEquals(lint("client/calls/routing.ts", "const at = new Date(clock.wallTime());"), []);
  for (const file of ["runtime/clock.ts", "tests/e2e/a_test.ts", "tasks/cluster.ts"]) {
    assertEquals(lint(file, "setTimeout(f, Math.random());"), [], file);
  }
});

Deno.test("error-message wants a capital letter and no final period", () => {
  const bad = [
    'throw new Error("bad thing")',
    "throw new RangeError(`bad ${thing}`)",
    'throw new TypeError("Bad thing.")',
    "throw new KvError(`NOT_FOUND`, `no key ${key}`)",
    'throw new KvError("NOT_FOUND", "No key.")',
    'invariant(ok, "must hold")',
    "invariant(ok, () => `must hold: ${x}`)",
    'throw new Error("bad " + thing)',
    `throw new Error("Can't do it")`,
  ];
  for (const source of bad) assertEquals(lint("storage/a.ts", source).length, 1, source);
});

Deno.test("error-message accepts the project's wording and what it cannot judge", () => {
  const good = [
    "throw new RangeError(`Cannot use 'ticks' ${n}: it must be an integer of 1 or more`)",
    'throw new KvError("NOT_LEADER", "Not the leader")',
    'throw new EngineError("corruption", "Cannot parse the record")',
    "throw new Error(message)",
    "throw new Error(`${action} failed`)",
    'invariant(ok, "Must hold")',
    'throw new Error("Waiting for more...")',
  ];
  for (const source of good) assertEquals(lint("storage/a.ts", source), [], source);
});

Deno.test("constant-name finds numbers, texts and tables of a module that look like variables", () => {
  const constants = [
    "const bytesMax = 4 * 1_024;",
    "export const names = ['a', 'b'] as const;",
    "const word = /a/;",
    "const text = `${BYTES_MAX} bytes`;",
    "const none = Buffer.alloc(0);",
    "const known = new Set(['a']);",
    "const traits = { a: { retry: true } };",
  ];
  for (const source of constants) {
    const name = /const (\w+)/.exec(source)?.[1];
    assertEquals(lint("rpc/limits.ts", source), [`\`${name}\` is a constant`], source);
  }
});

Deno.test("constant-name leaves what is made or filled at run time, and what is inside functions", () => {
  const sources = [
    "export const BYTES_MAX = 4;",
    "const flags = defineFlags('sim', {});",
    "const seen = new Set<string>();",
    "const page = `${root}/docs`;",
    "const nemesis = { name: 'storm', run: () => {} };",
    "function f() { const most = 4; return most; }",
    "let count = 0;",
  ];
  for (const source of sources) assertEquals(lint("rpc/limits.ts", source), [], source);
});
