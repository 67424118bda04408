// What the terminal can show: colours, width, progress lines. Without a terminal (or with NO_COLOR) plain lines, no control sequences.

export interface Terminal {
  readonly color: boolean;
  /** Columns; 100 when unknown. */
  readonly width: number;
  /** A person watches: progress may redraw its line. */
  readonly interactive: boolean;
  write(text: string): void;
}

export function terminal(stream: NodeJS.WriteStream = process.stderr): Terminal {
  const interactive = stream.isTTY === true;
  return {
    color: interactive && process.env.NO_COLOR === undefined && process.env.TERM !== "dumb",
    get width() {
      // Some pseudo-terminals say 0.
      return stream.columns > 0 ? stream.columns : 100;
    },
    interactive: interactive && process.env.TERM !== "dumb",
    write: (text) => stream.write(text),
  };
}

/** Takes all that is written and shows nothing: what progress goes to under `--json`. */
export const silent: Terminal = { color: false, width: 100, interactive: false, write: () => undefined };

/** How fast it goes, where that is known better than by the clock since the start. */
export interface Pace {
  readonly perSecond: number;
  readonly secondsLeft: number;
}

export interface Progress {
  /** `done` of `total`; `note` is shown beside the rate. */
  update(done: number, note?: string, pace?: Pace): void;
  /** A line of its own, above the bar where there is one. */
  line(text: string): void;
  /** Leaves the last state on the screen. */
  end(note?: string): void;
  /** Takes the bar off the screen without leaving a line. */
  clear(): void;
}

/**
 * A bar with rate and time left for anything over two seconds. On a terminal it redraws at most ten times a second; elsewhere it
 * prints a line every ten seconds, so that logs stay short.
 */
export function progress(out: Terminal, label: string, total: number, unit: string): Progress {
  const start = Date.now();
  let lastDraw = out.interactive ? 0 : start;
  let drawn = -1;
  let first: number | undefined;
  let last: { readonly done: number; readonly note: string; readonly pace?: Pace | undefined } = { done: 0, note: "" };

  const line = (): string => {
    const seconds = (Date.now() - start) / 1000;
    const made = last.done - (first ?? 0);
    const rate = last.pace?.perSecond ?? (seconds > 0 ? made / seconds : 0);
    const left = last.pace?.secondsLeft ?? (rate > 0 ? (total - last.done) / rate : Number.POSITIVE_INFINITY);
    const head = `${label} ${String(last.done).padStart(String(total).length)}/${total}`;
    const tail = [last.note, rateText(rate, unit), last.done < total ? `${duration(left)} left` : duration(seconds)]
      .filter((part) => part !== "")
      .join("  ");
    const room = Math.min(30, out.width - head.length - tail.length - 4);
    const filled = total > 0 ? Math.round((room * Math.min(last.done, total)) / total) : room;
    const bar = room >= 8 ? ` ${"█".repeat(filled)}${"░".repeat(room - filled)}` : "";
    return `${head}${bar}  ${tail}`.slice(0, Math.max(20, out.width - 1));
  };
  const draw = () => {
    lastDraw = Date.now();
    drawn = last.done;
    out.write(out.interactive ? `\r\x1b[2K${line()}` : `${line()}\n`);
  };
  const clear = () => {
    if (out.interactive && drawn >= 0) out.write("\r\x1b[2K");
  };

  return {
    update(done, note = "", pace = undefined) {
      first ??= done > 0 ? done - 1 : 0;
      last = { done, note, pace };
      if (Date.now() - lastDraw >= (out.interactive ? 100 : 10_000)) draw();
    },
    line(text) {
      clear();
      out.write(`${text}\n`);
      if (out.interactive && drawn >= 0) draw();
    },
    end(note) {
      if (note !== undefined) last = { ...last, note };
      if (out.interactive || drawn !== last.done) draw();
      if (out.interactive) out.write("\n");
    },
    clear,
  };
}

function rateText(rate: number, unit: string): string {
  if (rate === 0) return "";
  return rate >= 1 ? `${rate.toFixed(rate >= 100 ? 0 : 1)} ${unit}/s` : `${(1 / rate).toFixed(1)} s/${unit}`;
}

/** Seconds in the largest fitting units: `42 s`, `3 min 05 s`, `2 h 10 min`. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return "?";
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const s = Math.round(seconds);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${String(s % 60).padStart(2, "0")} s`;
  return `${Math.floor(s / 3600)} h ${String(Math.floor((s % 3600) / 60)).padStart(2, "0")} min`;
}

/** Bytes in binary units: `1.2 GiB`. */
export function size(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value >= 100 || unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** A whole number with its thousands apart: `804,096`. */
export function count(value: number): string {
  return value.toLocaleString("en-US");
}

/** Columns of text; the first is aligned at the left, those of `right` at the right. Trailing blanks are dropped. */
export function table(rows: readonly (readonly string[])[], right: readonly number[] = [], indent = "  "): string {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, cell.length);
    });
  const line = (row: readonly string[]) =>
    `${indent}${row.map((cell, i) => (right.includes(i) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0))).join("  ")}`.trimEnd();
  return rows.map((row) => `${line(row)}\n`).join("");
}

export function paint(out: Terminal, style: "bold" | "dim" | "red" | "green" | "yellow" | "cyan", text: string): string {
  if (!out.color) return text;
  const code = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 }[style];
  return `\x1b[${code}m${text}\x1b[0m`;
}
