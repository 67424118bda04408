// In: the launcher beside a command of its own making, with and without a fetched driver. Out: the proof that arguments, exit
// statuses and signals pass through, each signal once. Invariant: nothing is fetched and no device is opened.

import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";

const setup = fileURLToPath(new URL("../../cli/setup", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "ulmus-launch-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A command that says what it got, then waits; `handle` makes it count interrupts and end by itself. */
const command = `
const [mode] = process.argv.slice(2);
let interrupts = 0;
if (mode === "handle") process.on("SIGINT", () => { interrupts++; console.log("interrupt"); setTimeout(() => process.exit(40 + interrupts), 400); });
if (mode === "handle") process.on("SIGTERM", () => process.exit(50));
console.log(JSON.stringify({ arguments: process.argv.slice(2), driver: process.env.VK_DRIVER_FILES, pid: process.pid }));
if (mode === "exit") process.exit(7);
if (mode !== "end") setTimeout(() => {}, 20_000);
`;

/** A package folder with the launcher and the command, and a completed driver set-up if asked for. */
function installation(name: string, withDriver: boolean): string {
  const root = join(folder, name);
  cpSync(setup, join(root, "cli/setup"), { recursive: true });
  mkdirSync(join(root, "dist/cli"), { recursive: true });
  writeFileSync(join(root, "package.json"), `{ "type": "module" }`);
  writeFileSync(join(root, "dist/cli/main.js"), command);
  if (withDriver) {
    mkdirSync(join(root, ".cache/vulkan"), { recursive: true });
    const record = { driver: "", origin: "", icd: "icd.json", libraries: ["lib"], files: [] };
    writeFileSync(join(root, ".cache/vulkan/complete.json"), JSON.stringify(record));
  }
  return root;
}

interface Run {
  readonly child: ChildProcess;
  readonly output: () => string;
  /** Resolves once the command has spoken. */
  readonly started: Promise<{ arguments: string[]; driver?: string; pid: number }>;
  readonly ended: Promise<number | NodeJS.Signals>;
}

function launch(root: string, args: readonly string[], group = false): Run {
  const env = { ...process.env };
  for (const name of ["ULMUS_CACHE", "VK_DRIVER_FILES", "VK_ICD_FILENAMES", "LD_LIBRARY_PATH", "ULMUS_LAUNCHED"]) delete env[name];
  const launcher = join(root, "cli/setup/launch.mjs");
  const child = spawn(process.execPath, [launcher, ...args], { stdio: ["ignore", "pipe", "inherit"], env, detached: group });
  let text = "";
  const started = new Promise<{ arguments: string[]; driver?: string; pid: number }>((resolve) => {
    child.stdout?.on("data", (chunk) => {
      text += chunk;
      if (text.includes("\n")) resolve(JSON.parse(text.slice(0, text.indexOf("\n"))));
    });
  });
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    child.on("close", (code, signal) => resolve(signal ?? code ?? -1));
  });
  return { child, output: () => text, started, ended };
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

describe.skipIf(process.platform === "win32")("the launcher", () => {
  const plain = installation("plain", false);
  const fetched = installation("fetched", true);
  const linux = process.platform === "linux";

  it("runs the command in its own process when no driver was fetched", async () => {
    const run = launch(plain, ["end", "a b", "--c"]);
    const said = await run.started;
    expect(said).toEqual({ arguments: ["end", "a b", "--c"], pid: run.child.pid });
    expect(await run.ended).toBe(0);
  });

  it.skipIf(!linux)("starts the command with the fetched driver's variables", async () => {
    const run = launch(fetched, ["end", "a b"]);
    const said = await run.started;
    expect(said.arguments).toEqual(["end", "a b"]);
    expect(said.driver).toBe(join(fetched, ".cache/vulkan/icd.json"));
    expect(said.pid).not.toBe(run.child.pid);
    expect(await run.ended).toBe(0);
  });

  for (const root of [plain, fetched]) {
    describe(root === plain ? "in its own process" : "in a child", () => {
      it("passes the exit status on", async () => expect(await launch(root, ["exit"]).ended).toBe(7));

      it("passes SIGTERM on", async () => {
        const run = launch(root, ["handle"]);
        await run.started;
        run.child.kill("SIGTERM");
        expect(await run.ended).toBe(50);
      });

      it("ends by the signal that ends the command", async () => {
        for (const signal of ["SIGTERM", "SIGINT"] as const) {
          const run = launch(root, ["wait"]);
          await run.started;
          run.child.kill(signal);
          expect(await run.ended).toBe(signal);
        }
      });

      it("passes an interrupt sent to it on, once", async () => {
        const run = launch(root, ["handle"]);
        await run.started;
        run.child.kill("SIGINT");
        expect(await run.ended).toBe(41);
      });

      it("passes an interrupt typed at the terminal on, once", async () => {
        const run = launch(root, ["handle"], true);
        await run.started;
        // A terminal sends to the whole group: to the launcher and to its child.
        process.kill(-(run.child.pid ?? 0), "SIGINT");
        expect(await run.ended).toBe(41);
        expect(run.output().match(/interrupt/g)).toHaveLength(1);
      });
    });
  }

  it.skipIf(!linux)("takes the command with it when it is killed", async () => {
    const run = launch(fetched, ["handle"]);
    const { pid } = await run.started;
    run.child.kill("SIGKILL");
    // `close` waits until the command, too, has let go of the output.
    expect(await Promise.race([run.ended, pause(5000)])).toBe("SIGKILL");
    expect(pid).not.toBe(run.child.pid);
  });

  it("says what to do when nothing is built", async () => {
    const root = installation("unbuilt", false);
    rmSync(join(root, "dist"), { recursive: true });
    expect(await launch(root, ["end"]).ended).toBe(1);
  });
});
