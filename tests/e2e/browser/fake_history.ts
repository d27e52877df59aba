/** Ten minutes of figures for a cluster. */
import type { ClusterState, History } from "../../../dashboard/api.ts";
import { createPrng } from "../../../runtime/prng.ts";
import { aMomentLater } from "./fake_states.ts";

const SAMPLES = 300;

export function fakeHistory(state: ClusterState, seed: number): History {
  const prng = createPrng(seed);
  const states: ClusterState[] = [];
  let current = { ...state, shards: [], updatedAt: state.updatedAt - SAMPLES * state.intervalMs };
  for (let at = 0; at < SAMPLES; at++) {
    current = { ...aMomentLater(current, prng), shards: [] };
    states.push(current);
  }
  return {
    times: states.map(({ updatedAt }) => updatedAt),
    series: state.nodes.map(({ gid, id }, at) => {
      const figures = states.map(({ nodes }) => nodes[at]?.figures ?? null);
      return {
        gid,
        id,
        readsPerSecond: figures.map((each) => each?.readsPerSecond ?? null),
        writesPerSecond: figures.map((each) => each?.writesPerSecond ?? null),
        writeP99Ms: figures.map((each) => each?.writeP99Ms ?? null),
        readP99Ms: figures.map((each) => each?.readP99Ms ?? null),
        fsyncP99Ms: figures.map((each) => each?.fsyncP99Ms ?? null),
        applyLag: figures.map((each) => each?.applyLag ?? null),
        memoryBytes: figures.map((each) => each?.memoryBytes ?? null),
      };
    }),
  };
}
