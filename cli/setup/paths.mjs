// In: nothing but this file's place and ULMUS_CACHE. Out: the folders the set-up works in. Invariant: everything the set-up
// fetches or writes lies under `cacheFolder()`, so removing that folder removes every trace of it.

import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The package's own folder: the repository's root in a clone, `node_modules/ulmus` in an installation. */
export const packageRoot = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Where fetched things live: `ULMUS_CACHE` when set, otherwise `.cache` in the package's folder. */
export const cacheFolder = () => (process.env.ULMUS_CACHE ? resolve(process.env.ULMUS_CACHE) : join(packageRoot, ".cache"));

/** Where the fetched Vulkan driver lives. */
export const driverFolder = () => join(cacheFolder(), "vulkan");
