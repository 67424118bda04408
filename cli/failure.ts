// How a command ends: 0 done, 1 the run failed, 2 the program or the arguments are wrong, 130 interrupted. A `Failure` is a message for people:
// what is wrong and what to do, never a stack trace.

import { paint, type Terminal } from "./terminal.js";

export const exitCodes = { done: 0, failed: 1, wrong: 2, interrupted: 130 } as const;

export class Failure extends Error {
  override readonly name = "Failure";
  readonly exitCode: number;
  /** What the reader can do about it. */
  readonly remedy: string | undefined;

  constructor(message: string, options: { readonly exitCode?: number; readonly remedy?: string; readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.exitCode = options.exitCode ?? exitCodes.failed;
    this.remedy = options.remedy;
  }
}

/** The program or the arguments are wrong. */
export function wrong(message: string, remedy?: string): Failure {
  return new Failure(message, { exitCode: exitCodes.wrong, ...(remedy === undefined ? {} : { remedy }) });
}

/** A failure as people read it. */
export function renderFailure(out: Terminal, failure: Failure): string {
  const help = failure.remedy === undefined ? "" : `  ${paint(out, "cyan", "=")} help: ${failure.remedy}\n`;
  return `${paint(out, "red", "error")}: ${failure.message}\n${help}`;
}

/** What was thrown as a failure: known kinds get a remedy, unknown ones are an error of this program and say so. */
export function failureOf(error: unknown): Failure {
  if (error instanceof Failure) return error;
  if (!(error instanceof Error)) return new Failure(String(error), { cause: error });
  const { message } = error;
  switch (error.name) {
    case "NoAdapterError":
      return new Failure(message, { cause: error });
    case "EncodeError":
      return wrong(message, "Only what stands in the text that the tokenizer was made from can be given.");
    case "CorpusError":
    case "SequenceError":
      return new Failure(message, { cause: error, exitCode: exitCodes.wrong });
    case "SafetensorsError":
      return new Failure(message, {
        cause: error,
        remedy: "The file was cut short or is of another program; an earlier checkpoint may be whole.",
      });
    case "DeviceLostError":
      return new Failure(message, { cause: error, remedy: "`ulmus train RUN --resume` goes on from the last checkpoint." });
    case "OutOfMemoryError":
    case "TooLargeError":
      return new Failure(message, {
        cause: error,
        remedy: "A smaller `batch_size` with `accumulate` to make up for it, or a smaller `context_length`, needs less memory.",
      });
    default:
      break;
  }
  const code = "code" in error ? error.code : undefined;
  const path = "path" in error && typeof error.path === "string" ? error.path : "a file";
  switch (code) {
    case "ENOSPC":
      return new Failure(`No space is left on the disk for ${path}.`, {
        cause: error,
        remedy: "Free some and go on with `ulmus train RUN --resume`.",
      });
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return new Failure(`${path} can not be written or read: it is not permitted.`, {
        cause: error,
        remedy: "Choose another place with -o, or change the permissions.",
      });
    case "ENOENT":
      return new Failure(`${path} is not there.`, { cause: error });
    default:
      return new Failure(message, { cause: error, remedy: "ULMUS_DEBUG=1 shows where this was noticed." });
  }
}
