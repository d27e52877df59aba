/** Roles, shard states and the health of the cluster: always a shape and a word. */
import type { Health, NodeRole, ShardState } from "../../api.ts";
import { messages } from "../page_state.ts";
import { Icon, type IconName } from "./icon.tsx";

const ROLE_ICONS: Readonly<Record<NodeRole, IconName>> = {
  Leader: "leader",
  Follower: "follower",
  Learner: "learner",
  Candidate: "candidate",
  Offline: "offline",
};

export function RoleBadge({ role }: { readonly role: NodeRole }) {
  return (
    <span class={`badge role-${role.toLowerCase()}`}>
      <Icon name={ROLE_ICONS[role]} />
      {messages.value.roles[role]}
    </span>
  );
}

/** One letter-sized sign per state, for places too small for its word. */
export const STATE_SIGNS: Readonly<Record<ShardState, string>> = {
  Serving: "",
  Pulling: "↓",
  BePulling: "↑",
  GCing: "⌫",
  Frozen: "‖",
  Unknown: "?",
};

export function StateBadge({ state }: { readonly state: ShardState }) {
  return (
    <span class={`badge state-${state.toLowerCase()}`}>
      <span class="state-sign" aria-hidden="true">{STATE_SIGNS[state] || "●"}</span>
      {messages.value.states[state]}
    </span>
  );
}

export const HEALTH_ICONS: Readonly<Record<Health, IconName>> = {
  ok: "ok",
  degraded: "warning",
  unavailable: "critical",
  unknown: "unknown",
};

export function HealthBadge({ health }: { readonly health: Health }) {
  return (
    <span class={`badge health-${health}`}>
      <Icon name={HEALTH_ICONS[health]} />
      {messages.value.health.states[health]}
    </span>
  );
}
