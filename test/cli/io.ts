// A process made of strings: what a command writes, and interrupts that a test sends.

import type { Io } from "../../cli/io.js";
import type { Terminal } from "../../cli/terminal.js";
import { main } from "../../cli/ulmus.js";

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface Recorded extends Io {
  readonly written: { out: string; err: string };
  /** Codes with which the process would have ended at once. */
  readonly left: readonly number[];
  interrupt(): void;
}

export function recorded(cwd: string, onWrite: (text: string) => void = () => undefined): Recorded {
  const written = { out: "", err: "" };
  const left: number[] = [];
  const listeners = new Set<() => void>();
  const to = (name: "out" | "err"): Terminal => ({
    color: false,
    width: 100,
    interactive: false,
    write(text) {
      written[name] += text;
      onWrite(text);
    },
  });
  return {
    written,
    left,
    out: to("out"),
    err: to("err"),
    cwd,
    env: {},
    onInterrupt(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    leave(code) {
      left.push(code);
    },
    interrupt() {
      for (const listener of listeners) listener();
    },
  };
}

/** Runs `ulmus` in a folder. */
export async function ulmus(cwd: string, ...argv: string[]): Promise<Ran> {
  const io = recorded(cwd);
  const code = await main(argv, io);
  return { code, ...io.written };
}
