/** The fields of an action's dialog. */
import type { Signal } from "@preact/signals";
import { cluster, messages } from "../page_state.ts";
import { Select } from "../parts/select.tsx";
import type { ActionFields, ActionStart } from "./action_draft.ts";

export interface ActionFieldsetProps {
  readonly start: ActionStart;
  readonly fields: Signal<ActionFields>;
}

export function ActionFieldset({ start, fields }: ActionFieldsetProps) {
  const words = messages.value.actions;
  switch (start.kind) {
    case "moveShard":
      return <TargetGroup shardId={start.shardId} fields={fields} />;
    case "addGroup":
      return <NewGroup fields={fields} />;
    case "removeGroup":
      return <p>{words.warnRemove}</p>;
    case "transferLeader":
      return null;
  }
}

interface TargetGroupProps {
  readonly shardId: number;
  readonly fields: Signal<ActionFields>;
}

function TargetGroup({ shardId, fields }: TargetGroupProps) {
  const words = messages.value;
  const owner = cluster.shards.get(shardId)?.value.groupId;
  const groups = cluster.groups.all().filter((group) => group.gid !== owner && !group.departed);
  return (
    <Select
      label={words.actions.toGroup}
      value={fields.value.gid}
      options={[
        { value: "", text: words.actions.choose },
        ...groups.map(({ gid }) => ({ value: String(gid), text: words.names.group(gid) })),
      ]}
      onChoose={(gid) => fields.value = { ...fields.value, gid }}
    />
  );
}

function NewGroup({ fields }: { readonly fields: Signal<ActionFields> }) {
  const words = messages.value.actions;
  return (
    <>
      <label class="field">
        <span>{words.gid}</span>
        <input
          inputMode="numeric"
          autocomplete="off"
          value={fields.value.gid}
          aria-describedby="gid-hint"
          onInput={({ currentTarget }) =>
            fields.value = { ...fields.value, gid: currentTarget.value }}
        />
      </label>
      <p class="hint" id="gid-hint">{words.gidHint}</p>
      <label class="field">
        <span>{words.servers}</span>
        <textarea
          rows={3}
          value={fields.value.servers}
          spellcheck={false}
          aria-describedby="servers-hint"
          onInput={({ currentTarget }) =>
            fields.value = { ...fields.value, servers: currentTarget.value }}
        />
      </label>
      <p class="hint" id="servers-hint">{words.serversHint}</p>
    </>
  );
}
