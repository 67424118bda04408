// What every command shares: how it ends.

/** Runs a command's body; its number is the exit code, what it throws becomes a message. */
export type Finish = (body: () => Promise<number>) => Promise<void>;
