/** Controllers, groups and their nodes. */
import type { GroupView, NodeView } from "../../api.ts";
import { openAction } from "../actions/action_draft.ts";
import { mayAct } from "../actions/access.ts";
import { cluster, format, messages } from "../page_state.ts";
import { nameNode } from "../problems.ts";
import { RoleBadge } from "../parts/badges.tsx";
import { Fact, Facts } from "../parts/facts.tsx";
import { GroupMark } from "../parts/group_mark.tsx";
import { Icon } from "../parts/icon.tsx";
import { formatRoute } from "../route.ts";

export function TopologyPage() {
  const words = messages.value;
  const nodes = cluster.nodes.all();
  const controllers = nodes.filter((node) => node.gid === 0);
  return (
    <>
      <section class="tier">
        <div class="section-head">
          <h2>{words.topology.controllers}</h2>
          <Leader gid={0} leaderId={cluster.controllerLeaderId.value} />
        </div>
        <ul class="node-cards">
          {controllers.map((node) => (
            <NodeCard
              key={node.id}
              node={node}
              leaderId={cluster.controllerLeaderId.value}
              Heading="h3"
            />
          ))}
        </ul>
      </section>
      <section class="tier">
        <div class="section-head">
          <h2>{words.topology.groups}</h2>
          {mayAct.value && (
            <button type="button" onClick={() => openAction({ kind: "addGroup" })}>
              {words.actions.addGroup}…
            </button>
          )}
        </div>
        <div class="groups">
          {cluster.groups.all().map((group) => (
            <GroupCard
              key={group.gid}
              group={group}
              nodes={nodes.filter((node) => node.gid === group.gid)}
            />
          ))}
        </div>
        {cluster.groups.keys.value.length === 0 && <p>{words.health.noGroups}.</p>}
      </section>
    </>
  );
}

function Leader({ gid, leaderId }: { readonly gid: number; readonly leaderId: number | null }) {
  const words = messages.value;
  if (leaderId === null) {
    return (
      <span class="badge health-unavailable">
        <Icon name="critical" />
        {words.topology.noLeader}
      </span>
    );
  }
  return <span class="muted">{words.topology.leader(nameNode(gid, leaderId, words))}</span>;
}

interface GroupCardProps {
  readonly group: GroupView;
  readonly nodes: readonly NodeView[];
}

function GroupCard({ group, nodes }: GroupCardProps) {
  const words = messages.value;
  const shown = format.value;
  const name = words.names.group(group.gid);
  const href = formatRoute({ page: "shards", params: { group: String(group.gid) } });
  return (
    <section class="panel group-card" aria-label={name}>
      <div class="section-head">
        <h3>
          <GroupMark gid={group.gid} />
          {name}
        </h3>
        {group.departed && <span class="badge health-degraded">{words.topology.departed}</span>}
        <Leader gid={group.gid} leaderId={group.leaderId} />
      </div>
      <p class="group-figures">
        {group.shards.length === 0
          ? words.topology.noShards
          : <a href={href}>{words.topology.shards(group.shards.length)}</a>}
        <span>{words.topology.keys(shown.count(group.keys))}</span>
        <span>{shown.bytes(group.bytes)}</span>
        <span>{words.topology.storage} {shown.bytes(group.storageBytes)}</span>
      </p>
      <ul class="node-cards">
        {nodes.map((node) => (
          <NodeCard key={node.id} node={node} leaderId={group.leaderId} Heading="h4" />
        ))}
      </ul>
      {mayAct.value && (
        <button
          type="button"
          class="quiet danger"
          onClick={() => openAction({ kind: "removeGroup", gid: group.gid })}
        >
          {words.actions.removeGroup}…
        </button>
      )}
    </section>
  );
}

interface NodeCardProps {
  readonly node: NodeView;
  readonly leaderId: number | null;
  /** One below that of the part it stands in. */
  readonly Heading: "h3" | "h4";
}

function NodeCard({ node, leaderId, Heading }: NodeCardProps) {
  const words = messages.value;
  const { topology } = words;
  const shown = format.value;
  const isLeader = node.role === "Leader" && node.id === leaderId;
  const canLead = mayAct.value && node.healthy && node.role === "Follower";
  return (
    <li class={`node-card role-${node.role.toLowerCase()}${isLeader ? " leads" : ""}`}>
      <div class="node-head">
        <Heading>{nameNode(node.gid, node.id, words)}</Heading>
        <RoleBadge role={node.healthy ? node.role : "Offline"} />
      </div>
      <p class="address">{node.address}</p>
      {node.healthy ? <NodeFacts node={node} /> : (
        <>
          <p class="last-contact">
            {node.lastSeen === null
              ? topology.never
              : topology.lastContact(shown.dateTime(node.lastSeen))}
          </p>
          {node.error !== null && <p class="node-error">{node.error}</p>}
        </>
      )}
      {canLead && (
        <button
          type="button"
          class="quiet"
          aria-label={`${words.actions.transferLeader}: ${nameNode(node.gid, node.id, words)}`}
          onClick={() => openAction({ kind: "transferLeader", gid: node.gid, nodeId: node.id })}
        >
          {words.actions.transferLeader}…
        </button>
      )}
    </li>
  );
}

function NodeFacts({ node }: { readonly node: NodeView }) {
  const { topology } = messages.value;
  const shown = format.value;
  return (
    <Facts>
      <Fact name={topology.term}>{shown.count(node.term)}</Fact>
      <Fact name={topology.commit}>{shown.count(node.commitIndex)}</Fact>
      <Fact name={topology.applied}>{shown.count(node.lastApplied)}</Fact>
      <Fact name={topology.lag}>
        {node.lag === null
          ? topology.lagNone
          : topology.lagEntries(shown.count(node.lag), node.lag === 1)}
      </Fact>
      <Fact name={topology.storage}>{shown.bytes(node.storageBytes)}</Fact>
      <Fact name={topology.version}>{node.version}</Fact>
    </Facts>
  );
}
