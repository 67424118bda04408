// Graph → graph: a pass is data, the pipeline is a list, and the verifier looks at the graph after each.

import type { Graph } from "../ir/graph.js";
import { verify } from "../ir/verify.js";

export interface Pass {
  readonly name: string;
  /** One line: what the graph has afterwards. */
  readonly doc: string;
  readonly run: (graph: Graph) => Graph;
}

/** Runs passes in order. Throws, naming the pass, where one leaves a graph that is not legal: an error of the compiler. */
export function runPasses(graph: Graph, passes: readonly Pass[]): Graph {
  return passes.reduce((current, pass) => {
    const next = pass.run(current);
    const faults = verify(next);
    if (faults.length > 0) {
      const lines = faults.map((fault) => `  ${fault.message}`).join("\n");
      throw new Error(`internal error: pass ${pass.name} broke graph ${graph.name}:\n${lines}`);
    }
    return next;
  }, graph);
}
