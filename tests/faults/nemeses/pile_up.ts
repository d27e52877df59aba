/** Two at once. */
import type { Mend, Nemesis } from "../nemesis.ts";

/** @param nemeses Those that may strike while another one does */
export function pileUp(nemeses: readonly Nemesis[]): Nemesis {
  return {
    name: "pile-up",
    about: "two of the others at once",
    combines: false,
    strike: async (stage) => {
      const first = stage.draw.pick(nemeses);
      const second = stage.draw.pick(nemeses.filter((nemesis) => nemesis !== first));
      stage.note(`${first.name} and ${second.name}`);
      const mends = await Promise.all([first, second].map(({ strike }) => strike(stage.fork())));
      return mendAll(mends);
    },
  };
}

function mendAll(mends: readonly (Mend | void)[]): Mend {
  return async () => {
    for (const mend of mends) await mend?.();
  };
}
