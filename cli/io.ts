// What a command may touch of the process it runs in. Results go to `out`, everything else (diagnostics, progress, time) to `err`.
// Handed in, so that tests run commands as functions.

import { silent, type Terminal, terminal } from "./terminal.js";

export interface Io {
  readonly out: Terminal;
  readonly err: Terminal;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Calls `listener` at each interrupt (Ctrl-C) until the function it returns is called. */
  onInterrupt(listener: () => void): () => void;
  /** Ends the process at once. */
  leave(code: number): void;
}

export function processIo(): Io {
  return {
    out: terminal(process.stdout),
    err: terminal(process.stderr),
    cwd: process.cwd(),
    env: process.env,
    onInterrupt(listener) {
      process.on("SIGINT", listener);
      return () => process.off("SIGINT", listener);
    },
    leave: (code) => process.exit(code),
  };
}

/** One JSON object a line on `out`, or nothing where the command was not asked for JSON. */
export type Emit = (event: string, fields: Readonly<Record<string, unknown>>) => void;

export interface Speech {
  readonly json: boolean;
  /** Where people read: `err`, or nothing under `--json`. */
  readonly people: Terminal;
  readonly emit: Emit;
}

/** Under `--json` objects on `out` and silence on `err`; else the other way round. */
export function speech(io: Io, json: boolean): Speech {
  return {
    json,
    people: json ? silent : io.err,
    emit: (event, fields) => {
      if (json) io.out.write(`${JSON.stringify({ event, ...fields })}\n`);
    },
  };
}
