// How a command ends: 0 done, 1 the run failed, 2 the program or the arguments are wrong, 130 interrupted. A `Failure` is a message for people:
// what is wrong and what to do, never a stack trace.

export const exitCodes = { done: 0, failed: 1, wrong: 2, interrupted: 130 } as const;

export class Failure extends Error {
  readonly exitCode: number;
  /** What the reader can do about it. */
  readonly remedy: string | undefined;

  constructor(message: string, options: { readonly exitCode?: number; readonly remedy?: string } = {}) {
    super(message);
    this.name = "Failure";
    this.exitCode = options.exitCode ?? exitCodes.failed;
    this.remedy = options.remedy;
  }
}
