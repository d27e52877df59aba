/** A group's colour and shape. Eight of each; the group's name always stands beside them. */
import { GROUP_COLOURS } from "../group_colours.ts";
import { cluster } from "../page_state.ts";

/** One for each of the {@linkcode GROUP_COLOURS}. */
const SHAPES = [
  "M3 3h10v10H3z",
  "M8 2.5a5.5 5.5 0 1 1 0 11a5.5 5.5 0 0 1 0-11",
  "M8 2l6.5 11.5h-13z",
  "M8 1.5 14.5 8 8 14.5 1.5 8z",
  "M1.5 3.5h13L8 14z",
  "M6 2h4v4h4v4h-4v4H6v-4H2V6h4z",
  "M5 2.5h6l3.5 5.5L11 13.5H5L1.5 8z",
  "M2 6h12v4H2z",
] as const;

/** Place of a group's colour in the palette; -1 for no group. */
export function groupColour(gid: number): number {
  if (gid === 0) return -1;
  const place = cluster.groups.keys.value.indexOf(gid);
  return (place < 0 ? gid : place) % GROUP_COLOURS;
}

export function GroupMark({ gid }: { readonly gid: number }) {
  const colour = groupColour(gid);
  if (colour < 0) return null;
  return (
    <svg class={`group-mark group-${colour}`} viewBox="0 0 16 16" aria-hidden="true">
      <path d={SHAPES[colour] ?? SHAPES[0]} />
    </svg>
  );
}
