// Words of the command line → values, each refused with what was expected. In: strings; out: numbers, settings, fields of a sequence.

import { InvalidArgumentError } from "commander";
import { wrong } from "./failure.js";

/** A whole number of at least `least`, for commander. */
export function whole(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < least)
      throw new InvalidArgumentError(`It must be a whole number of at least ${least}.`);
    return value;
  };
}

/** A seed: 32 bits. */
export function seed(text: string): number {
  const value = whole(0)(text);
  if (value > 0xffffffff) throw new InvalidArgumentError("It must be less than 2³².");
  return value;
}

/** Collects `--set a.b=c` as lines `a.b = c` of the language. */
export function setting(text: string, before: readonly string[] = []): readonly string[] {
  const match = /^\s*([A-Za-z_]\w*(?:\.\w+)+)\s*=\s*(\S.*)$/s.exec(text);
  if (match === null) throw new InvalidArgumentError("It must look like section.setting=value, as in training.batch_size=8.");
  return [...before, `${match[1]} = ${match[2]?.trim()}`];
}

/** `name=value` of a sequence's field, where a shell hands over `\n` as two characters. */
export function fieldOf(word: string): { readonly name: string; readonly value: string } | undefined {
  const equals = word.indexOf("=");
  if (equals <= 0 || !/^[A-Za-z_]\w*$/.test(word.slice(0, equals))) return undefined;
  return { name: word.slice(0, equals), value: unescaped(word.slice(equals + 1)) };
}

/** The escapes of the language's strings: `\n \t \" \\ \{ \} \u{…}`. Others stay as they are. */
export function unescaped(text: string): string {
  return text.replace(/\\(?:([nt"\\{}])|u\{([0-9a-fA-F]{1,6})\})/g, (whole, letter: string | undefined, code: string | undefined) => {
    if (code !== undefined) {
      const point = Number.parseInt(code, 16);
      if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) throw wrong(`\`${whole}\` is no character of Unicode.`);
      return String.fromCodePoint(point);
    }
    return letter === "n" ? "\n" : letter === "t" ? "\t" : (letter ?? whole);
  });
}

/** The one of `names` that `wanted` names, or the only one. `what` and `where` are for messages: `training`, `gpt.elm`. */
export function choose(names: readonly string[], wanted: string | undefined, what: string, where: string): string {
  const list = names.map((name) => `\`${name}\``).join(", ");
  if (wanted !== undefined) {
    if (names.includes(wanted)) return wanted;
    throw wrong(
      `${where} has no ${what} named \`${wanted}\`.`,
      names.length === 0 ? `It has no ${what} at all: add a \`${what}\` section.` : `It has ${list}.`,
    );
  }
  const [only] = names;
  if (only === undefined) throw wrong(`${where} has no ${what}.`, `Add a \`${what}\` section.`);
  if (names.length > 1) throw wrong(`${where} has several ${what}s: ${list}.`, `Name one of them.`);
  return only;
}
