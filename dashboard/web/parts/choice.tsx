/** A few alternatives side by side, one of them chosen: radio buttons that look like one control. */

export interface ChoiceProps<T extends string> {
  readonly name: string;
  readonly label: string;
  readonly options: readonly { readonly value: T; readonly text: string }[];
  readonly value: T;
  readonly onChoose: (value: T) => void;
}

export function Choice<T extends string>(props: ChoiceProps<T>) {
  return (
    <fieldset class="choice">
      <legend>{props.label}</legend>
      <div class="choice-options">
        {props.options.map(({ value, text }) => (
          <label key={value}>
            <input
              type="radio"
              name={props.name}
              value={value}
              checked={value === props.value}
              onChange={() => props.onChoose(value)}
            />
            <span>{text}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
