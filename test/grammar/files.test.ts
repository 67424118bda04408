import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "../../grammar/index.js";
const folder = new URL("files/", import.meta.url);
for (const name of readdirSync(folder)) test(name, () => { 
  const t=performance.now();
  const r = parse({ name, text: readFileSync(new URL(name, folder), "utf8") });
  console.log(name, performance.now()-t);
  expect(r.diagnostics.map(d => [d.message, d.at.span.start])).toEqual([]); });
