// A folder of its own for a test.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** `remove` takes it away with all that is in it. */
export function scratch(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "ulmus-cli-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
