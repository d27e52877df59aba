/** Language and theme: the browser's own until chosen here, then remembered. */
import { computed, effect, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Memory } from "./memory.ts";

export const LANGUAGES = ["en", "zh"] as const;
export type Language = typeof LANGUAGES[number];

/** `system` follows the system's setting. */
export const THEMES = ["system", "light", "dark"] as const;
export type Theme = typeof THEMES[number];

/** Also read by theme.js, which runs before the page is painted. */
const LANGUAGE_ITEM = "eraft.language";
const THEME_ITEM = "eraft.theme";

export class Preferences {
  readonly #chosenLanguage: Signal<Language | null>;
  readonly #preferred: Language;
  readonly theme: Signal<Theme>;
  readonly language: ReadonlySignal<Language>;

  /** @param browserLanguages In order of preference, such as `navigator.languages` */
  constructor(memory: Memory, browserLanguages: readonly string[]) {
    this.#preferred = preferredLanguage(browserLanguages);
    this.#chosenLanguage = signal(remembered(memory, LANGUAGE_ITEM, LANGUAGES));
    this.theme = signal(remembered(memory, THEME_ITEM, THEMES) ?? "system");
    this.language = computed(() => this.#chosenLanguage.value ?? this.#preferred);
    effect(() => memory.write(LANGUAGE_ITEM, this.#chosenLanguage.value));
    effect(() => memory.write(THEME_ITEM, this.theme.value));
  }

  chooseLanguage(language: Language): void {
    this.#chosenLanguage.value = language;
  }
}

/** The first language of the reader's that the page speaks; English if it speaks none. */
export function preferredLanguage(browserLanguages: readonly string[]): Language {
  for (const tag of browserLanguages) {
    const [primary] = tag.toLowerCase().split("-");
    const match = LANGUAGES.find((language) => language === primary);
    if (match !== undefined) return match;
  }
  return "en";
}

function remembered<T extends string>(memory: Memory, item: string, among: readonly T[]): T | null {
  const value = memory.read(item);
  return among.find((candidate) => candidate === value) ?? null;
}
