/** Small pictures. They always stand beside the word that says the same. */

/** Outlines on a grid of 16; what is listed as `solid` is filled. */
const SHAPES = {
  ok: { outline: "M8 1.5a6.5 6.5 0 1 1 0 13a6.5 6.5 0 0 1 0-13M5 8.2l2.1 2.1L11 6" },
  warning: { outline: "M8 2 1.5 13.5h13zM8 6.5v3.2M8 11.4v.4" },
  critical: { outline: "M5.3 1.5h5.4l3.8 3.8v5.4l-3.8 3.8H5.3l-3.8-3.8V5.3zM8 4.8v4M8 10.9v.4" },
  unknown: {
    outline:
      "M8 1.5a6.5 6.5 0 1 1 0 13a6.5 6.5 0 0 1 0-13M6 6.2a2 2 0 1 1 3 1.9c-.7.4-1 .8-1 1.5M8 11.4v.4",
  },
  leader: { solid: "M8 1l2.1 4.6 5 .5-3.8 3.3 1.2 4.9L8 11.7l-4.5 2.6 1.2-4.9L.9 6.1l5-.5z" },
  follower: { outline: "M8 3a5 5 0 1 1 0 10A5 5 0 0 1 8 3" },
  learner: { outline: "M8 3a5 5 0 1 1 0 10A5 5 0 0 1 8 3", solid: "M8 3a5 5 0 0 0 0 10z" },
  candidate: { outline: "M8 1.8 14.2 8 8 14.2 1.8 8z" },
  offline: { outline: "M3.5 3.5l9 9M12.5 3.5l-9 9" },
  copy: { outline: "M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3" },
  check: { outline: "M3 8.5l3.3 3.3L13 4.5" },
  lock: { outline: "M3.5 7.5h9v6h-9zM5.5 7.5V5a2.5 2.5 0 0 1 5 0v2.5" },
  unlock: { outline: "M3.5 7.5h9v6h-9zM5.5 7.5V5a2.5 2.5 0 0 1 4.8-1" },
  up: { solid: "M8 4l5 7H3z" },
  down: { solid: "M8 12L3 5h10z" },
  arrow: { outline: "M2 8h11M9 4l4 4-4 4" },
  overview: { outline: "M2 9.5h3l2-6 3 9 2-5h2" },
  topology: {
    outline: "M6 1.8h4v3.4H6zM1.8 10.8h4v3.4h-4zM10.2 10.8h4v3.4h-4zM8 5.2v3M3.8 10.8V8.2h8.4v2.6",
  },
  shards: { outline: "M2 2h5v5H2zM9 2h5v5H9zM2 9h5v5H2zM9 9h5v5H9z" },
  migrations: { outline: "M2 5h11M10 2l3 3-3 3M14 11H3M6 8l-3 3 3 3" },
  nodes: { outline: "M2 2.5h12v4.5H2zM2 9h12v4.5H2zM4.5 4.8h.5M4.5 11.3h.5" },
  keys: { outline: "M5 5.5a2.5 2.5 0 1 1 0 5a2.5 2.5 0 0 1 0-5M7.5 8h6.5v2.5M11 8v2" },
} as const;

export type IconName = keyof typeof SHAPES;

export function Icon({ name }: { readonly name: IconName }) {
  const shape: { readonly outline?: string; readonly solid?: string } = SHAPES[name];
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      {shape.outline && <path class="outline" d={shape.outline} />}
      {shape.solid && <path class="solid" d={shape.solid} />}
    </svg>
  );
}
