import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";

/** Runs a process whose `main` is the given code; it prints `ready` when it can be stopped. */
class Program {
  readonly #child: Deno.ChildProcess;
  readonly #errors: Promise<string>;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array>;

  constructor(main: string, options = "{}") {
    const source = `
      import { runProcess } from "${import.meta.resolve("./lifecycle.ts")}";
      import { systemClock } from "${import.meta.resolve("./clock.ts")}";
      import { defineFlags, intFlag } from "${import.meta.resolve("./flags.ts")}";
      const flags = defineFlags("program", { id: intFlag({ default: 0, help: "number" }) });
      const ready = () => Deno.stdout.writeSync(new TextEncoder().encode("ready"));
      const aborted = (signal) => new Promise((resolve) => signal.onabort = resolve);
      const forever = () => new Promise((resolve) => setTimeout(resolve, 60_000));
      const stdinClosed = async () => {
        for await (const _ of Deno.stdin.readable);
      };
      Deno.exit(await runProcess(async (shutdown) => { ${main} }, ${options}));
    `;
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["eval", "--quiet", source],
      cwd: import.meta.dirname ?? ".",
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#errors = new Response(this.#child.stderr).text();
    this.#stdin = this.#child.stdin.getWriter();
  }

  async ready(): Promise<void> {
    for await (const _ of this.#child.stdout.values({ preventCancel: true })) break;
  }

  kill(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  async closeStdin(): Promise<void> {
    await this.#stdin.close();
  }

  async outcome(): Promise<{ code: number; errors: string }> {
    const { code } = await this.#child.status;
    await this.#child.stdout.cancel();
    await this.#stdin.close().catch(() => {});
    return { code, errors: await this.#errors };
  }
}

Deno.test("runProcess() returns main's exit code, or 0", async () => {
  assertEquals(await new Program("return 3;").outcome(), { code: 3, errors: "" });
  assertEquals(await new Program("").outcome(), { code: 0, errors: "" });
});

Deno.test("runProcess() prints the version on standard output and returns 0", async () => {
  const main = `
    const { VersionRequested } = await import("${import.meta.resolve("./flags.ts")}");
    throw new VersionRequested("kv");
  `;
  assertEquals(await new Program(main).outcome(), { code: 0, errors: "" });
});

Deno.test("runProcess() says in one line why main failed", async () => {
  const main = `throw new Error("Cannot listen on a:1", { cause: new TypeError("In use") });`;
  const { code, errors } = await new Program(main).outcome();
  assertEquals(code, 1);
  assertMatch(errors, /^\S+ \S+ ERROR Cannot listen on a:1 cause="TypeError: In use"\n$/);
});

Deno.test("runProcess() explains wrong flags with exit code 2 and help with 0", async () => {
  const wrong = await new Program(`flags.parse(["-x"]);`).outcome();
  assertEquals(wrong.code, 2);
  assertStringIncludes(wrong.errors, "flag provided but not defined: -x\nUsage of program:\n");
  const help = await new Program(`flags.parse(["-h"]);`).outcome();
  assertEquals(help.code, 0);
  assertMatch(help.errors, /^Usage of program:\n/);
});

Deno.test("runProcess() lets main end in order at the first signal", async () => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    const program = new Program("const end = aborted(shutdown); ready(); await end;");
    await program.ready();
    program.kill(signal);
    const { code, errors } = await program.outcome();
    assertEquals(code, 0);
    assertStringIncludes(errors, `Shutting down: received ${signal}\n`);
  }
});

Deno.test("runProcess() exits at once at the second signal", async () => {
  const codes = { SIGINT: 130, SIGTERM: 143 } as const;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    const program = new Program(
      "const end = aborted(shutdown); ready(); await end; ready(); await forever();",
      "{ sameWishMs: 0 }",
    );
    await program.ready();
    program.kill(signal);
    await program.ready();
    program.kill(signal);
    assertEquals((await program.outcome()).code, codes[signal]);
  }
});

Deno.test("runProcess() takes a Ctrl-C that arrives twice for one", async () => {
  // However late the second one comes on a busy machine, no time has passed.
  const program = new Program(
    `const end = aborted(shutdown); ready(); await end;
     Deno.addSignalListener("SIGINT", ready); ready(); await stdinClosed();`,
    "{ clock: { ...systemClock, now: () => 0 } }",
  );
  await program.ready();
  program.kill("SIGINT");
  await program.ready();
  program.kill("SIGINT");
  await program.ready();
  await program.closeStdin();
  assertEquals((await program.outcome()).code, 0);
});

Deno.test("runProcess() gives up on a main that does not end", async () => {
  const program = new Program("ready(); await forever();", "{ shutdownMsMax: 50 }");
  await program.ready();
  program.kill("SIGTERM");
  const { code, errors } = await program.outcome();
  assertEquals(code, 1);
  assertStringIncludes(errors, "took longer than 50 ms");
});

Deno.test("runProcess() dies of an error nobody caught, in one line", async () => {
  const mains = [
    `Promise.reject(new Error("Lost")); await forever();`,
    `setTimeout(() => { throw new Error("Lost"); }); await forever();`,
  ];
  for (const main of mains) {
    const { code, errors } = await new Program(main).outcome();
    assertEquals(code, 1);
    assertMatch(
      errors,
      /^\S+ \S+ ERROR Died of an error that nobody caught error="Error: Lost.*\n$/,
    );
  }
});

Deno.test("runProcess() ends with its parent if it was asked to", async () => {
  const main = "const end = aborted(shutdown); ready(); await end;";
  const program = new Program(main, "{ exitWithParent: true }");
  await program.ready();
  await program.closeStdin();
  const { code, errors } = await program.outcome();
  assertEquals(code, 0);
  assertStringIncludes(errors, "Shutting down: standard input was closed");
});
