import type { File } from "./tree.js";
export function format(tree: File): string { return String(tree.items.length); }
