// The planted faults: one place each, as a person might get it wrong, and the smallest tests that must notice. `find` stands exactly once in `file`.

import { gradients } from "./table/gradients.mjs";
import { kernels } from "./table/kernels.mjs";
import { optimizer } from "./table/optimizer.mjs";
import { programs } from "./table/programs.mjs";
import { runtime } from "./table/runtime.mjs";
import { sampler } from "./table/sampler.mjs";

/**
 * @typedef {object} Fault
 * @property {string} name what is wrong
 * @property {string} file
 * @property {string} find
 * @property {string} replace
 * @property {readonly string[]} tests files that vitest runs
 * @property {string} [grep] of these, the tests whose names match
 */

/** @type {readonly Fault[]} */
export const faults = [...gradients, ...programs, ...optimizer, ...sampler, ...runtime, ...kernels];
