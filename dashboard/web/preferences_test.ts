import { assertEquals } from "@std/assert";
import type { Memory } from "./memory.ts";
import { Preferences, preferredLanguage } from "./preferences.ts";

class FakeMemory implements Memory {
  readonly items = new Map<string, string | null>();
  read(name: string): string | null {
    return this.items.get(name) ?? null;
  }
  write(name: string, value: string | null): void {
    this.items.set(name, value);
  }
}

Deno.test("preferredLanguage() is the reader's first that the page speaks", () => {
  assertEquals(preferredLanguage(["zh-Hans-CN", "en"]), "zh");
  assertEquals(preferredLanguage(["de-DE", "en-GB", "zh"]), "en");
  assertEquals(preferredLanguage(["fr"]), "en");
  assertEquals(preferredLanguage([]), "en");
});

Deno.test("Preferences follow the browser until something is chosen, then remember it", () => {
  const memory = new FakeMemory();
  const first = new Preferences(memory, ["zh-CN"]);
  assertEquals([first.language.value, first.theme.value], ["zh", "system"]);
  assertEquals(memory.read("eraft.language"), null);
  first.chooseLanguage("en");
  first.theme.value = "dark";
  const second = new Preferences(memory, ["zh-CN"]);
  assertEquals([second.language.value, second.theme.value], ["en", "dark"]);
});

Deno.test("Preferences do not trust what is remembered", () => {
  const memory = new FakeMemory();
  memory.write("eraft.theme", "purple");
  memory.write("eraft.language", "tlh");
  const preferences = new Preferences(memory, ["en"]);
  assertEquals([preferences.language.value, preferences.theme.value], ["en", "system"]);
});
