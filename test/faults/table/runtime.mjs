// Faults of what runs beside the device: rows of data, sequences, tokenizers, initial values, files, generation.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts are parts of sources that are template strings.

/** @typedef {import("../faults.mjs").Fault} Fault */

/** @param {string} file @param {string} tests @param {string} [grep] @returns {(name: string, find: string, replace: string) => Fault} */
const of = (file, tests, grep) => (name, find, replace) => ({
  name,
  file: `runtime/${file}.ts`,
  find,
  replace,
  tests: [`test/runtime/${tests}.test.ts`],
  ...(grep === undefined ? {} : { grep }),
});

const text = of("data/text", "data");
const rows = of("rows", "sequences");
const sequences = of("sequences", "sequences");
const generate = of("generate", "generate.gpu");

/** @type {readonly Fault[]} */
export const runtime = [
  text("a window may begin one token too late", "below(count - length, words", "below(count - length + 1, words"),
  text("a window never begins at the last place", "below(count - length, words", "below(count - length - 1, words"),
  text("windows are the same in every step", "philox([inStep, step, 0, 0]", "philox([inStep, 0, 0, 0]"),
  text("epochs in the same order", "philox([epoch, 0, 0, 0]", "philox([0, 0, 0, 0]"),
  text("micro-batches see the same rows", "place.micro * place.batch + index", "index"),
  text(
    "the last window of a part is left out",
    "Math.ceil((layoutLength(lay(find(name))) - 1) / length)",
    "Math.floor((layoutLength(lay(find(name))) - 1) / length)",
  ),
  rows(
    "a target is weighed although nothing of its example stands before it",
    "rows.segment[base + place - 1] === segment ? span.weight : 0",
    "span.weight",
  ),
  rows("targets are the inputs", "rows.targets[base + place - 1] = id;", "rows.targets[base + place] = id;"),
  rows("shortened at the front", "span.ids?.subarray(0, length)", "span.ids?.subarray(taken)"),
  sequences("drop keeps where it should drop", "draw() < part.rate ? part.to : part.parts", "draw() < part.rate ? part.parts : part.to"),
  sequences("specials may be drawn", "for (const id of vocabulary.specials.values()) set(id, false);", ""),
  sequences("a member's ids enter a union unmoved", "out[i] = (ids[i] ?? 0) + offset;", "out[i] = ids[i] ?? 0;"),
  of("tensors", "philox", "initial values")(
    "a piece starts as the whole does",
    "(words[i] ?? 0) - 1);\n    store(values, four, block * 4 - first);",
    "(words[i] ?? 0) - 1);\n    store(values, four, block * 4);",
  ),
  of("tensors", "philox", "initial values")("uniform numbers of one sign", "(2 * UNIT * (words[i] ?? 0) - 1)", "(UNIT * (words[i] ?? 0))"),
  of("philox", "philox")("nine rounds", "round < 10", "round < 9"),
  of("philox", "philox")("key words raised by the same number", "k1 = (k1 + W1) | 0;", "k1 = (k1 + W0) | 0;"),
  of("safetensors", "safetensors")("subnormal halves a factor 2 too large", "fraction * 2 ** -24", "fraction * 2 ** -23"),
  of("safetensors", "safetensors")("a place is not checked against its shape", "end - first !== bytes", "end - first < bytes"),
  of("executable", "executable.gpu")(
    "swap gives one tensor to both",
    "copyBufferToBuffer(bounce, half, this.#at(a.buffer)",
    "copyBufferToBuffer(bounce, 0, this.#at(a.buffer)",
  ),
  generate("the prompt's last token is read twice", "lane.position = count - 1;", "lane.position = count;"),
  generate("lanes draw the same numbers", "Uint32Array.from(lanes, (lane) => lane.index)", "Uint32Array.from(lanes, () => 0)"),
  generate("a full context forgets all but its last token", "Math.floor(spec.contextLength / 2)", "1"),
  generate("the penalty does not count the prompt", "executable.write(name, counts);", "executable.write(name, counts.fill(0));"),
];
