/** Sessions against a memory that forgets nothing: exactly once, on any network. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { SessionTable } from "./session_table.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

/** A client that tells the truth: it numbers its writes and says what it still waits for. */
class HonestClient {
  readonly #waitsFor = new Set<number>();
  #next = 0;

  get lowestUnanswered(): number {
    return Math.min(this.#next, ...this.#waitsFor);
  }

  issue(): number {
    this.#waitsFor.add(this.#next);
    return this.#next++;
  }

  answered(sequence: number): void {
    this.#waitsFor.delete(sequence);
  }

  waitsFor(sequence: number): boolean {
    return this.#waitsFor.has(sequence);
  }
}

interface Request {
  readonly client: number;
  readonly sequence: number;
  readonly lowest: number;
}

const network = fc.record({
  kind: fc.constantFrom("issue", "retry", "deliver", "deliver", "deliver", "duplicate", "reload"),
  client: fc.nat(2),
  pick: fc.nat(1000),
  answerArrives: fc.boolean(),
});

type Step = typeof network extends fc.Arbitrary<infer T> ? T : never;

class World {
  /** Remembers everything: which write was executed, and with what reply. */
  readonly #executed = new Map<string, string>();
  readonly #clients = [new HonestClient(), new HonestClient(), new HonestClient()];
  readonly #records = new Map<string, Buffer>();
  #sent: Request[] = [];
  #table = new SessionTable();

  #clientOf(index: number): HonestClient {
    const client = this.#clients[index];
    assert(client !== undefined);
    return client;
  }

  do({ kind, client, pick, answerArrives }: Step, now: number): void {
    const request = this.#sent[pick % this.#sent.length];
    switch (kind) {
      case "issue": {
        const honest = this.#clientOf(client);
        const sequence = honest.issue();
        this.#sent.push({ client, sequence, lowest: honest.lowestUnanswered });
        break;
      }
      case "retry":
        if (request !== undefined) this.#retry(request);
        break;
      case "reload":
        this.#table = new SessionTable();
        for (const [clientId, record] of this.#records) this.#table.load(clientId, record);
        break;
      case "deliver":
        this.#sent = this.#sent.filter((other) => other !== request);
        if (request !== undefined) this.#arrive(request, now, answerArrives);
        break;
      case "duplicate":
        if (request !== undefined) this.#arrive(request, now, answerArrives);
        break;
    }
  }

  #retry(request: Request): void {
    const client = this.#clientOf(request.client);
    if (!client.waitsFor(request.sequence)) return;
    this.#sent.push({ ...request, lowest: client.lowestUnanswered });
  }

  #arrive({ client, sequence, lowest }: Request, now: number, answerArrives: boolean): void {
    const clientId = `${client + 1}`;
    const name = `${clientId}/${sequence}`;
    const verdict = this.#table.begin(clientId, sequence, lowest, now);
    const isOverdue = !this.#clientOf(client).waitsFor(sequence);
    switch (verdict.kind) {
      case "new":
        assert(!this.#executed.has(name), `write ${name} is executed once`);
        this.#executed.set(name, `reply ${now}`);
        this.#table.finish(clientId, sequence, bytes(`reply ${now}`));
        break;
      case "repeat":
        assertEquals(new TextDecoder().decode(verdict.reply), this.#executed.get(name));
        break;
      default:
        assertEquals(verdict.kind, "stale");
        assert(isOverdue, `nobody waits for write ${name} any more`);
    }
    if (verdict.kind !== "stale" && answerArrives) this.#clientOf(client).answered(sequence);
    for (const { clientId, record } of this.#table.takeDirty()) {
      if (record !== undefined) this.#records.set(clientId, record);
    }
  }
}

Deno.test("SessionTable executes each write of an honest client once, on any network", () => {
  fc.assert(
    fc.property(fc.array(network, { maxLength: 150, size: "max" }), (steps) => {
      const world = new World();
      for (const [now, step] of steps.entries()) world.do(step, now);
    }),
    { seed: 2, numRuns: 1000 },
  );
});
