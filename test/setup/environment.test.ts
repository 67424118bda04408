// In: a cache folder with and without a finished set-up, and environments of several kinds. Out: the proof that the fetched
// driver's variables are added where they are missing, and that a driver the user chose is left alone.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { environment } from "../../cli/setup/environment.mjs";

describe.skipIf(process.platform !== "linux")("the environment of a fetched driver", () => {
  const cache = mkdtempSync(join(tmpdir(), "ulmus-environment-"));
  const before = process.env.ULMUS_CACHE;
  const vulkan = join(cache, "vulkan");
  beforeAll(() => {
    process.env.ULMUS_CACHE = cache;
  });
  afterAll(() => {
    if (before === undefined) delete process.env.ULMUS_CACHE;
    else process.env.ULMUS_CACHE = before;
    rmSync(cache, { recursive: true });
  });

  it("is empty where nothing was fetched", () => {
    expect(environment({})).toEqual({});
  });

  it("names the driver and its libraries, before those that were there", () => {
    mkdirSync(vulkan);
    writeFileSync(
      join(vulkan, "complete.json"),
      JSON.stringify({ icd: "lvp_icd.json", libraries: ["root/usr/lib", "root/lib"], files: [] }),
    );
    const added = environment({ LD_LIBRARY_PATH: "/opt/lib" });
    expect(added.VK_DRIVER_FILES).toBe(join(vulkan, "lvp_icd.json"));
    expect(added.LD_LIBRARY_PATH).toBe([join(vulkan, "root/usr/lib"), join(vulkan, "root/lib"), "/opt/lib"].join(":"));
    expect(added.XDG_RUNTIME_DIR).toBe(join(cache, "xdg-runtime"));
  });

  it("is empty where a process has it already", () => {
    const added = environment({});
    expect(environment(added)).toEqual({});
  });

  it("leaves a driver that the user chose alone", () => {
    expect(environment({ VK_DRIVER_FILES: "/opt/icd.json" })).toEqual({});
    expect(environment({ VK_ICD_FILENAMES: "/opt/icd.json" })).toEqual({});
  });

  it("keeps XDG_RUNTIME_DIR where it is set", () => {
    expect(environment({ XDG_RUNTIME_DIR: "/run/user/1000" })).not.toHaveProperty("XDG_RUNTIME_DIR");
  });
});
