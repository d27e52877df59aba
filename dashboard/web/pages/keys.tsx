/** Looking at keys and values: one key, or all with a prefix, a page at a time. */
import type { ComponentChildren } from "preact";
import { signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Bytes, KeyPage, KeyView } from "../../api.ts";
import { hexDump, inline } from "../byte_text.ts";
import { failureText } from "../failure_text.ts";
import { api, format, messages, route, setParams, visitParams } from "../page_state.ts";
import { nameGroup } from "../problems.ts";
import { RequestSignal, type RequestState } from "../request_signal.ts";
import { Choice } from "../parts/choice.tsx";
import { Fact, Facts } from "../parts/facts.tsx";
import { GroupMark } from "../parts/group_mark.tsx";
import { TableFrame } from "../parts/table_frame.tsx";

const lookup = new RequestSignal<KeyView>();
const listing = new RequestSignal<KeyPage>();
/** Where each page of the listing began; the last one is shown. */
const starts = signal<readonly (string | null)[]>([null]);

export function KeysPage() {
  return (
    <div class="two-columns">
      <LookUp />
      <Listing />
    </div>
  );
}

/** The key in the address: text as `key`, other bytes as `key64`. */
function keyInAddress(): Bytes | null {
  const { key, key64 } = route.value.params;
  if (key64 !== undefined) return { base64: key64 };
  return key === undefined ? null : { text: key };
}

function openKey(key: Bytes): void {
  visitParams("text" in key ? { key: key.text, key64: "" } : { key: "", key64: key.base64 });
}

function LookUp() {
  const words = messages.value.keys;
  const key = keyInAddress();
  const typed = useSignal(key === null ? "" : inline(key));
  const wanted = JSON.stringify(key);
  useEffect(() => {
    if (key === null) return lookup.reset();
    typed.value = inline(key);
    lookup.run((aborted) => api.getKey(key, aborted));
  }, [wanted]);
  const submit = (event: Event) => {
    event.preventDefault();
    const text = typed.value;
    if (text === "") return;
    if (key !== null && inline(key) === text) lookup.run((aborted) => api.getKey(key, aborted));
    else openKey({ text });
  };
  return (
    <section class="panel">
      <h2>{words.lookUp}</h2>
      <form class="line-form" onSubmit={submit}>
        <label class="field grow">
          <span>{words.key}</span>
          <input
            value={typed.value}
            autocomplete="off"
            spellcheck={false}
            onInput={({ currentTarget }) => typed.value = currentTarget.value}
          />
        </label>
        <button type="submit" class="primary">{words.get}</button>
      </form>
      <div aria-live="polite">
        <Outcome state={lookup.state.value} show={(found) => <Found view={found} />} />
      </div>
    </section>
  );
}

interface OutcomeProps<T> {
  readonly state: RequestState<T>;
  readonly show: (value: T) => ComponentChildren;
}

function Outcome<T>({ state, show }: OutcomeProps<T>) {
  switch (state.kind) {
    case "idle":
      return null;
    case "waiting":
      return <p class="muted">{messages.value.keys.looking}…</p>;
    case "failed":
      return <p class="failure">{failureText(state.error, messages.value)}</p>;
    case "done":
      return <>{show(state.value)}</>;
  }
}

function Found({ view }: { readonly view: KeyView }) {
  const words = messages.value;
  return (
    <>
      <Facts>
        <Fact name={words.shards.columns.shard}>
          <a href={`#/shards?shard=${view.shardId}`}>{words.names.shard(view.shardId)}</a>
        </Fact>
        <Fact name={words.shards.columns.group}>
          <GroupMark gid={view.groupId} />
          {nameGroup(view.groupId, words)}
        </Fact>
        {view.found && (
          <Fact name={words.keys.length}>
            {words.keys.lengthBytes(format.value.count(view.valueBytes))}
          </Fact>
        )}
      </Facts>
      {view.found && view.value !== null
        ? <Value value={view.value} valueBytes={view.valueBytes} />
        : <p>{words.keys.notFound(inline(view.key))}</p>}
    </>
  );
}

function Value({ value, valueBytes }: { readonly value: Bytes; readonly valueBytes: number }) {
  const words = messages.value.keys;
  const isText = "text" in value;
  const asHex = useSignal(!isText);
  if (valueBytes === 0) return <p class="muted">{words.empty}</p>;
  const dump = hexDump(value);
  const shownBytes = isText
    ? new TextEncoder().encode(value.text).length
    : atob(value.base64).length;
  return (
    <>
      {isText
        ? (
          <Choice
            name="view"
            label={words.view}
            value={asHex.value ? "hex" : "text"}
            options={[{ value: "text", text: words.asText }, { value: "hex", text: words.asHex }]}
            onChoose={(view) => asHex.value = view === "hex"}
          />
        )
        : <p class="muted">{words.binary}</p>}
      <pre class="value" tabIndex={0} role="region" aria-label={words.value}>
        {isText && !asHex.value ? value.text : dump}
      </pre>
      {shownBytes < valueBytes && (
        <p class="muted">
          {words.partial(format.value.bytes(shownBytes), format.value.bytes(valueBytes))}
        </p>
      )}
    </>
  );
}

function Listing() {
  const words = messages.value.keys;
  const { prefix } = route.value.params;
  const typed = useSignal(prefix ?? "");
  const show = (from: readonly (string | null)[]) => {
    starts.value = from;
    listing.run((aborted) => api.listKeys(typed.value, from.at(-1) ?? null, aborted));
  };
  useEffect(() => {
    if (prefix !== undefined) show([null]);
  }, [prefix]);
  const submit = (event: Event) => {
    event.preventDefault();
    // The effect follows the address; to all keys, and to the same again, no address leads.
    if (typed.value === "" || typed.value === prefix) show([null]);
    setParams({ prefix: typed.value });
  };
  return (
    <section class="panel">
      <h2>{words.list}</h2>
      <form class="line-form" onSubmit={submit}>
        <label class="field grow">
          <span>{words.prefix}</span>
          <input
            value={typed.value}
            autocomplete="off"
            spellcheck={false}
            aria-describedby="prefix-hint"
            onInput={({ currentTarget }) => typed.value = currentTarget.value}
          />
        </label>
        <button type="submit">{words.listAll}</button>
      </form>
      <p class="hint" id="prefix-hint">{words.hint}</p>
      <Outcome
        state={listing.state.value}
        show={(page) => <Page page={page} onShow={show} />}
      />
    </section>
  );
}

interface PageProps {
  readonly page: KeyPage;
  readonly onShow: (starts: readonly (string | null)[]) => void;
}

function Page({ page, onShow }: PageProps) {
  const words = messages.value;
  const number = starts.value.length;
  if (page.keys.length === 0 && number === 1) return <p>{words.keys.noKeys}</p>;
  return (
    <>
      <TableFrame label={words.keys.list}>
        <table>
          <thead>
            <tr>
              <th scope="col">{words.keys.key}</th>
              <th scope="col" class="number">{words.shards.columns.shard}</th>
              <th scope="col">{words.shards.columns.group}</th>
            </tr>
          </thead>
          <tbody>
            {page.keys.map((entry) => (
              <tr key={inline(entry.key)}>
                <th scope="row">
                  <button type="button" class="link key" onClick={() => openKey(entry.key)}>
                    {inline(entry.key)}
                  </button>
                </th>
                <td class="number">{entry.shardId}</td>
                <td>
                  <GroupMark gid={entry.groupId} />
                  {nameGroup(entry.groupId, words)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </TableFrame>
      <div class="pager">
        <button
          type="button"
          disabled={number === 1}
          onClick={() => onShow(starts.value.slice(0, -1))}
        >
          {words.shards.previous}
        </button>
        <span>{words.keys.pageOf(number)}</span>
        <button
          type="button"
          disabled={page.next === null}
          onClick={() => onShow([...starts.value, page.next])}
        >
          {words.shards.next}
        </button>
      </div>
    </>
  );
}
