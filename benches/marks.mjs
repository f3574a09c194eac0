// What the mark of a commit costs, and which calls to files a commit makes.
import { median } from "./report.mjs";

/** What each round that has both says: `marked` and `unmarked` are results by round. */
export const costs = (marked, unmarked) =>
  Object.keys(marked).filter((round) => round in unmarked).map((round) => marked[round].us - unmarked[round].us);

/** A line for each durability that was measured; `resultsOf(workload and variant)` gives aludel's results by round. */
export function marks(resultsOf) {
  return ["normal", "full"].flatMap((durability) => {
    const [marked, unmarked] = ["marked", "unmarked"].map((io) => resultsOf(`autocommit ${durability}, ${io}`) ?? {});
    const each = costs(marked, unmarked);
    if (each.length === 0) return [];
    const { io, count } = Object.values(marked).at(-1);
    const calls = Object.entries(io).map(([file, { writes, bytes, flushes }]) =>
      `${file} ${(writes / count).toFixed(2)} writes of ${writes ? (bytes / writes).toFixed(0) : 0} bytes, ${(flushes / count).toFixed(2)} flushes`);
    const all = median(Object.values(marked).map(({ us }) => us));
    const [cost, least, most, of] = [median(each), Math.min(...each), Math.max(...each), all].map((us) => us.toFixed(0));
    return [`At ${durability}, the mark of a commit costs ${cost} us (${least}..${most}) of its ${of}. Calls to files a commit: ${calls.join("; ")}`];
  });
}
