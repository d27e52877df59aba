/** Language and theme. */
import { languageNames } from "../messages/messages.ts";
import { messages, preferences } from "../page_state.ts";
import { languages, themes } from "../preferences.ts";

export function LanguageChoice() {
  const words = messages.value;
  return (
    <label class="compact-field">
      <span class="visually-hidden">{words.language}</span>
      <select
        value={preferences.language.value}
        onChange={({ currentTarget }) => {
          const language = languages.find((candidate) => candidate === currentTarget.value);
          if (language !== undefined) preferences.chooseLanguage(language);
        }}
      >
        {languages.map((language) => (
          <option
            key={language}
            value={language}
            selected={language === preferences.language.value}
          >
            {languageNames[language]}
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
          const theme = themes.find((candidate) => candidate === currentTarget.value);
          if (theme !== undefined) preferences.theme.value = theme;
        }}
      >
        {themes.map((theme) => (
          <option key={theme} value={theme} selected={theme === preferences.theme.value}>
            {words[theme]}
          </option>
        ))}
      </select>
    </label>
  );
}
