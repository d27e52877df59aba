/** The page's words in every language it speaks. */
import type { Language } from "../preferences.ts";
import { en, type Messages } from "./en.ts";
import { zh } from "./zh.ts";

export type { Messages } from "./en.ts";

export const messagesIn: Readonly<Record<Language, Messages>> = { en, zh };

/** Tags for `lang` and for number formats. */
export const LOCALE_OF: Readonly<Record<Language, string>> = { en: "en", zh: "zh-CN" };

/** What each language calls itself. */
export const LANGUAGE_NAMES: Readonly<Record<Language, string>> = { en: "English", zh: "中文" };
