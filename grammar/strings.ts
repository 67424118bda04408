// Where a string ends, and what it is made of: text with escapes, and `{…}` holes.
// In: a text and the offset of a `"`. Out: ranges of the same text; nothing is copied or interpreted but escapes.
// Invariant: a string never crosses a line; scanning takes linear time and no recursion.

/** A half-open range of the text scanned. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

export interface ScannedString {
  /** One past the last character that belongs to the string, its closing quote included. */
  readonly end: number;
  readonly closed: boolean;
  /** What stands between the quotes, in order; adjacent text is one part. */
  readonly parts: readonly (({ readonly kind: "text" } & Range) | ({ readonly kind: "hole" } & Range))[];
  /** The `{` of a hole that is not closed before the string ends. */
  readonly openHole?: number;
}

/** Reads the string whose opening quote is at `offset`. */
export function scanString(text: string, offset: number): ScannedString {
  return scanWithHoles(text, offset) ?? scanPlain(text, offset);
}

/** A `{` that is not closed within so many characters opens no hole; it keeps scanning linear. */
const longestHole = 1000;

/** The end of the hole whose `{` is at `open` (the offset of its `}`), or nothing if the line ends first. */
function holeEnd(text: string, open: number): number | undefined {
  // What is open, innermost last: a hole or record (`{`), or a string inside one (`"`).
  const stack: string[] = ["{"];
  const limit = Math.min(text.length, open + longestHole);
  for (let i = open + 1; i < limit; i++) {
    const c = text[i];
    if (c === "\n" || c === "\r") return undefined;
    const inString = stack[stack.length - 1] === '"';
    if (inString && c === "\\") i++;
    else if (c === '"') inString ? stack.pop() : stack.push('"');
    else if (c === "{") stack.push("{");
    else if (c === "}" && !inString) {
      stack.pop();
      if (stack.length === 0) return i;
    }
  }
  return undefined;
}

function scanWithHoles(text: string, offset: number): ScannedString | undefined {
  const parts: ScannedString["parts"][number][] = [];
  let from = offset + 1;
  const flush = (end: number) => {
    if (end > from) parts.push({ kind: "text", start: from, end });
  };
  for (let i = offset + 1; i < text.length; i++) {
    const c = text[i];
    if (c === "\n" || c === "\r") return undefined;
    if (c === '"') {
      flush(i);
      return { end: i + 1, closed: true, parts };
    }
    if (c === "\\") i += unicodeEscape(text, i)?.length ?? 1;
    else if (c === "{") {
      const end = holeEnd(text, i);
      if (end === undefined) return undefined;
      flush(i);
      parts.push({ kind: "hole", start: i + 1, end });
      i = end;
      from = end + 1;
    }
  }
  return undefined;
}

/** One less than the length of `\u{…}` at `at`, as a range to skip, or nothing if there is none. */
function unicodeEscape(text: string, at: number): { readonly length: number } | undefined {
  const match = /^\\u\{[^}"\r\n]*\}/.exec(text.slice(at, at + 16));
  return match === null ? undefined : { length: match[0].length - 1 };
}

/** A string with a mistake in it: its holes are taken as text, and if no quote closes it, it ends where the line's closing marks begin. */
function scanPlain(text: string, offset: number): ScannedString {
  let openHole: number | undefined;
  let i = offset + 1;
  for (; i < text.length && text[i] !== "\n" && text[i] !== "\r"; i++) {
    if (text[i] === "\\") i += unicodeEscape(text, i)?.length ?? 1;
    else if (text[i] === "{") openHole ??= i;
    else if (text[i] === '"') {
      const parts = i > offset + 1 ? [{ kind: "text" as const, start: offset + 1, end: i }] : [];
      return openHole === undefined ? { end: i + 1, closed: true, parts } : { end: i + 1, closed: true, parts, openHole };
    }
  }
  const line = text.slice(offset + 1, Math.min(i, text.length)).split(/[\r\n]/, 1)[0] ?? "";
  const tail = /[\s)\]},]*(?:\s\{\s*)?(?:\s#.*)?$/.exec(line);
  let end = tail === null ? line.length : tail.index;
  // A `}` that closes a hole of this text belongs to it.
  for (let open = count(line.slice(0, end), "{") - count(line.slice(0, end), "}"); open > 0 && line.indexOf("}", end) >= 0; open--)
    end = line.indexOf("}", end) + 1;
  end += offset + 1;
  const parts = end > offset + 1 ? [{ kind: "text" as const, start: offset + 1, end }] : [];
  return { end, closed: false, parts };
}

function count(text: string, mark: string): number {
  return text.split(mark).length - 1;
}

/** An escape that is not one of `\n \t \" \\ \{ \u{…}`, as a range of the text. */
export type BadEscape = Range;

/** The text of [start, end) with its escapes resolved; an unknown escape stands for itself. */
export function readEscapes(text: string, { start, end }: Range): { readonly text: string; readonly bad: readonly BadEscape[] } {
  const bad: BadEscape[] = [];
  let out = "";
  for (let i = start; i < end; i++) {
    const c = text[i] ?? "";
    if (c !== "\\") {
      out += c;
      continue;
    }
    const next = i + 1 < end ? text[i + 1] : undefined;
    const simple = next === undefined ? undefined : simpleEscapes[next];
    if (simple !== undefined) {
      out += simple;
      i++;
      continue;
    }
    const length = unicodeEscape(text, i)?.length ?? 1;
    const digits = text.slice(i + 3, i + length);
    const code = /^[0-9A-Fa-f]{1,6}$/.test(digits) ? Number.parseInt(digits, 16) : Number.NaN;
    if (next === "u" && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff)) out += String.fromCodePoint(code);
    else {
      bad.push({ start: i, end: Math.min(i + length + 1, end) });
      out += text.slice(i, Math.min(i + length + 1, end));
    }
    i += length;
  }
  return { text: out, bad };
}

const simpleEscapes: { readonly [c: string]: string } = { n: "\n", t: "\t", '"': '"', "\\": "\\", "{": "{" };

/** The text as it stands between quotes: the inverse of `readEscapes`. */
export function writeEscapes(text: string): string {
  let out = "";
  for (const c of text) {
    const code = c.codePointAt(0) ?? 0;
    if (c === "\n") out += "\\n";
    else if (c === "\t") out += "\\t";
    else if (c === '"' || c === "\\" || c === "{") out += `\\${c}`;
    else if (code < 0x20 || code === 0x7f || (code >= 0x80 && code < 0xa0) || code === 0x2028 || code === 0x2029 || code === 0xfeff)
      out += `\\u{${code.toString(16)}}`;
    else out += c;
  }
  return out;
}
