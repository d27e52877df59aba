/** Language and theme. */
import { LANGUAGE_NAMES } from "../messages/messages.ts";
import { messages, preferences } from "../page_state.ts";
import { LANGUAGES, THEMES } from "../preferences.ts";

export function LanguageChoice() {
  const words = messages.value;
  return (
    <label class="compact-field">
      <span class="visually-hidden">{words.language}</span>
      <select
        value={preferences.language.value}
        onChange={({ currentTarget }) => {
          const language = LANGUAGES.find((candidate) => candidate === currentTarget.value);
          if (language !== undefined) preferences.chooseLanguage(language);
        }}
      >
        {LANGUAGES.map((language) => (
          <option
            key={language}
            value={language}
            selected={language === preferences.language.value}
          >
            {LANGUAGE_NAMES[language]}
          </option>
        ))}
      </select>
    </label>
  );
}

export function ThemeChoice() {
  const { theme: words } = messages.value;
  return (
    <label class="compact-field">
      <span class="visually-hidden">{words.label}</span>
      <select
        value={preferences.theme.value}
        onChange={({ currentTarget }) => {
          const theme = THEMES.find((candidate) => candidate === currentTarget.value);
          if (theme !== undefined) preferences.theme.value = theme;
        }}
      >
        {THEMES.map((theme) => (
          <option key={theme} value={theme} selected={theme === preferences.theme.value}>
            {words[theme]}
          </option>
        ))}
      </select>
    </label>
  );
}
