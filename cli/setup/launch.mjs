#!/usr/bin/env node
// In: the command line of `ulmus`. Out: the command's own output and exit status. Invariant: the command runs in this process
// unless a fetched Vulkan driver needs variables that a process must start with; then it runs in a child that gets every signal
// once and whose end, by status or by signal, becomes this process's own.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { environment } from "./environment.mjs";
import { packageRoot } from "./paths.mjs";

const command = join(packageRoot, "dist/cli/main.js");
const childMark = "ULMUS_LAUNCHED";

/** Runs the command in this process. */
async function here() {
  if (process.env[childMark] !== undefined) {
    delete process.env[childMark];
    listen();
  }
  await import(pathToFileURL(command).href);
}

/**
 * In the child: an interrupt typed at the terminal reaches parent and child alike, one sent to the parent reaches the parent
 * only. The parent passes on every interrupt as a message, and the child acts on a message only if no interrupt came with it.
 */
function listen() {
  let last = Number.NEGATIVE_INFINITY;
  const note = () => {
    last = performance.now();
    if (process.listenerCount("SIGINT") > 1) return;
    // The command does not listen itself: the interrupt ends it, as it would without this listener.
    process.off("SIGINT", note);
    process.kill(process.pid, "SIGINT");
  };
  process.on("SIGINT", note);
  process.on("message", () => {
    const heard = performance.now();
    setTimeout(() => {
      if (last < heard - 300) process.kill(process.pid, "SIGINT");
    }, 50);
  });
  // The parent is gone without a word (killed): the command must not outlive it.
  process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
  process.channel?.unref();
}

/** Runs the command in a child with further variables. @param {Record<string, string>} added */
function inChild(added) {
  const child = spawn(process.execPath, [...process.execArgv, fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: ["inherit", "inherit", "inherit", "ipc"],
    env: { ...process.env, ...added, [childMark]: "1" },
  });
  process.on("SIGINT", () => {
    if (child.connected) child.send("SIGINT");
  });
  for (const signal of /** @type {const} */ (["SIGTERM", "SIGHUP"])) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => {
    console.error(`ulmus could not be started: ${error.message}`);
    process.exit(1);
  });
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
    // A signal that does not end this process is reported as shells do.
    setTimeout(() => process.exit(128 + constants.signals[signal]), 100);
  });
}

if (!existsSync(command)) {
  console.error("ulmus is not built yet: run `npm ci` and `npm run build`, or `npm run quickstart`, which does both");
  process.exitCode = 1;
} else if (process.env[childMark] !== undefined) {
  await here();
} else {
  const added = environment();
  if (Object.keys(added).length === 0) await here();
  else inChild(added);
}
