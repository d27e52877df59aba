import { assertEquals } from "@std/assert";
import { type Memory, Preferences, preferredLanguage } from "./preferences.ts";

class FakeMemory implements Memory {
  readonly items = new Map<string, string>();
  getItem(name: string): string | null {
    return this.items.get(name) ?? null;
  }
  setItem(name: string, value: string): void {
    this.items.set(name, value);
  }
}

const forbidden: Memory = {
  getItem() {
    throw new Error("Forbidden");
  },
  setItem() {
    throw new Error("Forbidden");
  },
};

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
  assertEquals(memory.items.has("eraft.language"), false);
  first.chooseLanguage("en");
  first.theme.value = "dark";
  const second = new Preferences(memory, ["zh-CN"]);
  assertEquals([second.language.value, second.theme.value], ["en", "dark"]);
});

Deno.test("Preferences work without memory, and do not trust what is in it", () => {
  const preferences = new Preferences(forbidden, ["en"]);
  preferences.theme.value = "light";
  assertEquals(preferences.theme.value, "light");
  const memory = new FakeMemory();
  memory.setItem("eraft.theme", "purple");
  assertEquals(new Preferences(memory, []).theme.value, "system");
});
