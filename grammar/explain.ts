// What the reader of a file is told. In: a code with its facts, or what the parser stumbled over. Out: a diagnostic.
// Invariant: every sentence of this room comes from the one table below, in the words of the language's users; nothing that
// the parser library says is passed on.

import type { IRecognitionException, IToken } from "chevrotain";
import type { Diagnostic, Fix, Label } from "./diagnostic.js";
import type { RuleName, Skipped } from "./recover.js";
import type { SourceFile, Span } from "./source.js";
import { endsExpression, isKeyword, isMark, isName, QuotedToken, StringToken, startsExpression } from "./tokens.js";

interface Sentence {
  readonly message: string;
  /** Said beside the underlined text. */
  readonly label?: string;
  readonly notes?: readonly string[];
}

const itemForms = "An item is a setting, `name = value`, or a section, `name { … }`.";
const importForm = 'An import reads `import name, other from "file.elm"`.';

/** Every mistake of form: its code, and the sentences made from its facts. */
const catalogue = {
  // Single marks and words
  "unclosed-string": () => ({
    message: "This string is never closed.",
    label: "opened here",
    notes: ["A string ends on the line it starts on; `\\n` stands for a new line."],
  }),
  "unclosed-hole": () => ({
    message: "The `{` in this string is never closed.",
    label: "opened here",
    notes: ["In a string `{name}` is a setting's value; a plain brace is written `\\{`."],
  }),
  "empty-hole": () => ({
    message: "The `{ }` in this string holds nothing.",
    notes: ["In a string `{name}` is a setting's value; a plain brace is written `\\{`."],
  }),
  "bad-escape": ({ text }: { text: string }) => ({
    message: `\`${text}\` has no meaning in a string.`,
    notes: ['The escapes are `\\n`, `\\t`, `\\"`, `\\\\`, `\\{` and `\\u{…}`.'],
  }),
  "single-quotes": () => ({ message: "Strings stand in double quotes.", label: "single quotes" }),
  "slash-comment": () => ({ message: "A comment starts with `#`." }),
  "digit-first": ({ text }: { text: string }) => ({
    message: `A name cannot start with a digit, as \`${text}\` does.`,
    notes: [`As the key of a record it may be quoted: \`"${text}" = …\`.`],
  }),
  "bare-fraction": ({ text }: { text: string }) => ({ message: `A number starts with a digit: \`0.${text}\`.` }),
  lookalike: ({ text, instead }: { text: string; instead: string }) => ({ message: `\`${text}\` is written \`${instead}\` here.` }),
  "unknown-mark": ({ text }: { text: string }) => ({
    message: `\`${text}\` means nothing here.`,
    notes: ["Outside strings and comments, letters are a to z and A to Z."],
  }),
  "no-separator": ({ text }: { text: string }) => ({ message: `Items need no \`${text}\` between them.` }),

  // Brackets
  "unclosed-bracket": ({ open }: { open: string }) => ({ message: `This \`${open}\` is never closed.`, label: "opened here" }),
  "stray-bracket": ({ text }: { text: string }) => ({ message: `This \`${text}\` closes nothing.` }),
  "wrong-bracket": ({ open, found, close }: { open: string; found: string; close: string }) => ({
    message: `\`${open}\` is closed by \`${close}\`, not by \`${found}\`.`,
  }),
  "missing-brace": ({ section }: { section: string }) => ({ message: `${section} has no \`{\`.`, label: "a `{` must follow this" }),
  "missing-body": ({ section }: { section: string }) => ({
    message: `\`${section}\` is a section without its \`{ … }\`.`,
    notes: [`If it is a call, give its result a name: \`x = ${section}(…)\`.`],
  }),
  "too-deep": ({ limit }: { limit: number }) => ({
    message: "This is nested too deeply to be read.",
    label: "what is inside is left out",
    notes: [`Brackets and \`if\`s may stand in one another ${limit} times.`, "Give a part of it a name of its own."],
  }),

  // Items
  "missing-value": ({ name }: { name: string }) => ({ message: `\`${name}\` has no value.`, label: "a value must start on this line" }),
  "missing-equals": ({ name }: { name: string }) => ({ message: `There is no \`=\` between \`${name}\` and its value.` }),
  "wrong-equals": ({ name, found }: { name: string; found: string }) => ({
    message: `\`${name}\` is given its value by \`=\`, not by \`${found}\`.`,
  }),
  "space-in-name": ({ text }: { text: string }) => ({
    message: `\`${text}\` looks like one name.`,
    label: `did you mean \`${text.replaceAll(" ", "_")}\`?`,
  }),
  "quoted-name": ({ text }: { text: string }) => ({ message: `A section's name needs no quotes: \`${text}\`.` }),
  "lone-name": ({ name }: { name: string }) => ({
    message: `\`${name}\` stands alone.`,
    label: "it is given no value and opens no section",
    notes: [itemForms],
  }),
  "misplaced-import": () => ({ message: "An import cannot stand inside a section.", notes: [importForm] }),
  "import-form": ({ lacks }: { lacks: string }) => ({ message: `This import lacks ${lacks}.`, notes: [importForm] }),

  // Names
  "missing-name": ({ after }: { after: string }) => ({ message: `A name must follow \`${after}\`.` }),
  "missing-target": () => ({ message: "This `=` has no name before it.", notes: [itemForms] }),
  "reserved-word": ({ word }: { word: string }) => ({ message: `\`${word}\` is a word of the language and names nothing else.` }),
  "bad-name": ({ text }: { text: string }) => ({ message: `A name must stand here, and \`${text}\` is none.` }),

  // Values
  "missing-operand": ({ after }: { after: string }) => ({ message: `A value must follow \`${after}\`.` }),
  "equals-in-condition": () => ({ message: "Whether two values are equal is asked by `==`." }),
  "missing-then": () => ({ message: "This `if` has no `then`.", notes: ["A choice reads `if a then b else c`."] }),
  "missing-else": () => ({ message: "This `if` has no `else`.", notes: ["A choice reads `if a then b else c`: it always has a value."] }),
  "missing-comma": ({ before, after }: { before: string; after: string }) => ({
    message: `There is no comma between \`${before}\` and \`${after}\`.`,
  }),
  "extra-comma": () => ({ message: "Nothing follows this comma." }),
  "side-by-side": ({ before, after }: { before: string; after: string }) => ({ message: `Nothing joins \`${before}\` and \`${after}\`.` }),
  "chained-comparison": () => ({ message: "Two comparisons cannot be chained.", notes: ["Multiply them: `(a < b) * (b < c)`."] }),
  "empty-parentheses": () => ({ message: "These parentheses hold nothing." }),
  "no-tuple": () => ({ message: "Parentheses hold one value.", notes: ["A list is written `[a, b]`."] }),
  "empty-index": () => ({ message: "This index picks nothing.", notes: ["`x[:]` is all of an axis."] }),
  "comprehension-form": () => ({ message: "This list over a counter is not complete.", notes: ["It reads `[value for i in n]`."] }),
  "missing-colon": ({ name }: { name: string }) => ({ message: `There is no \`:\` between \`${name}\` and its type.` }),
  "missing-type": ({ after }: { after: string }) => ({
    message: `A type must follow \`${after}\`.`,
    notes: ["A type is a name, a shape such as `[B, T, D]`, or both."],
  }),
  "unexpected-text": ({ text }: { text: string }) => ({ message: `\`${text}\` does not belong here.` }),
} satisfies { readonly [code: string]: (facts: never) => Sentence };

export type Code = keyof typeof catalogue;

/** All codes, for the tests and the reference. */
export const codes = Object.keys(catalogue) as readonly Code[];

/** What a code's sentences are made from. */
export type Facts<C extends Code> = Parameters<(typeof catalogue)[C]> extends [infer F] ? F : Record<never, never>;

/** Fills in the table: one error, at `at`. */
export function tell<C extends Code>(
  code: C,
  facts: Facts<C>,
  at: Span,
  more: { readonly also?: readonly Label[]; readonly fix?: Fix } = {},
): Diagnostic {
  const { message, label, notes } = (catalogue[code] as (facts: Facts<C>) => Sentence)(facts);
  const fix = more.fix === undefined ? {} : { fix: more.fix };
  return { code, severity: "error", message, at: { span: at, text: label ?? "" }, also: more.also ?? [], notes: notes ?? [], ...fix };
}

/** A word or mark as it can be quoted in a sentence. */
function quote(token: IToken): string {
  return token.image.length > 24 ? `${token.image.slice(0, 23)}…` : token.image;
}

function span(file: SourceFile, token: IToken): Span {
  const start = Number.isNaN(token.startOffset) ? file.text.length : token.startOffset;
  return { file, start, end: start + token.image.length };
}

/** One edit: put `text` just after a token. */
function insertAfter(file: SourceFile, token: IToken, text: string, title: string): Fix {
  const { end } = span(file, token);
  return { title, span: { file, start: end, end }, replacement: text };
}

function removal(at: Span): Fix {
  return { title: "leave it out", span: at, replacement: "" };
}

function closes(token: IToken): boolean {
  return isMark(token, ")", "]", "}");
}

/** What the parser stumbled over, in plain words: from the innermost rule, the token found and the one before it. */
export function explainError(file: SourceFile, error: IRecognitionException): Diagnostic {
  const found = error.token;
  const before = "previousToken" in error ? (error.previousToken as IToken) : undefined;
  const previous = before === undefined || Number.isNaN(before.startOffset) || before.image === "" ? undefined : before;
  const rule = error.context.ruleStack[error.context.ruleStack.length - 1] as RuleName;
  // What is wrong is where something lacks, not the next line, on which it is noticed.
  const later = Number.isNaN(found.startOffset) || found.image === "" || found.startLine !== previous?.endLine;
  const here = later ? (previous ?? found) : found;
  switch (rule) {
    case "import":
      if (isKeyword(found) && !isName(previous)) return reserved(file, found);
      if (previous?.image === "from") return tell("import-form", { lacks: "the name of a file in double quotes" }, span(file, here));
      if (isName(previous)) return tell("import-form", { lacks: "its `from`" }, span(file, here));
      return tell("import-form", { lacks: "the names it brings" }, span(file, here));
    case "body":
      return missingBody(file, previous ?? found, found);
    case "type":
    case "shape":
    case "signature":
    case "parameter":
      if (isKeyword(found)) return reserved(file, found);
      if (isMark(previous, ":", "->") || (rule === "type" && isMark(previous, ",")))
        return tell("missing-type", { after: previous?.image ?? "" }, span(file, previous ?? found));
      return commaOr(file, found, previous) ?? noName(file, found, previous);
    case "list":
      return tell("comprehension-form", {}, span(file, here));
    case "path":
    case "binding":
    case "section":
    case "item":
    case "member":
    case "repeat":
    case "assign":
    case "entry":
    case "record":
      return noName(file, found, previous);
    default:
      return noValue(file, found, previous);
  }
}

function reserved(file: SourceFile, token: IToken): Diagnostic {
  return tell("reserved-word", { word: token.image }, span(file, token));
}

function missingBody(file: SourceFile, previous: IToken, found: IToken): Diagnostic {
  if (isMark(found, "=") && isKeyword(previous)) return reserved(file, previous);
  return tell("missing-brace", { section: "This section" }, span(file, previous), { fix: insertAfter(file, previous, " {", "open it") });
}

/** A comma with nothing after it, if that is what stands here. */
function commaOr(file: SourceFile, found: IToken, previous: IToken | undefined): Diagnostic | undefined {
  if (previous === undefined || !isMark(previous, ",")) return undefined;
  if (!closes(found) && !isMark(found, ",") && found.image !== "") return undefined;
  const at = span(file, previous);
  return tell("extra-comma", {}, at, { fix: removal(at) });
}

function noName(file: SourceFile, found: IToken, previous: IToken | undefined): Diagnostic {
  if (isKeyword(found)) return reserved(file, found);
  const comma = commaOr(file, found, previous);
  if (comma !== undefined) return comma;
  if (startsExpression(found) && !isName(found)) return tell("bad-name", { text: quote(found) }, span(file, found));
  if (previous !== undefined) return tell("missing-name", { after: quote(previous) }, span(file, previous));
  return unexpected(file, found);
}

function noValue(file: SourceFile, found: IToken, previous: IToken | undefined): Diagnostic {
  if (previous === undefined) return unexpected(file, found);
  if (isMark(found, "=") && isKeyword(previous)) return reserved(file, previous);
  if (isKeyword(found) && !(isKeyword(previous) || isMark(previous, ","))) return reserved(file, found);
  const both: Span = { file, start: previous.startOffset, end: span(file, found).end };
  if (isMark(previous, "(") && isMark(found, ")")) return tell("empty-parentheses", {}, both);
  if (isMark(previous, "[") && isMark(found, "]")) return tell("empty-index", {}, both);
  const comma = commaOr(file, found, previous);
  if (comma !== undefined) return comma;
  if (["in", "for", "as"].includes(previous.image) && closes(found))
    return tell("missing-operand", { after: previous.image }, span(file, previous));
  if (isMark(found, ".")) return unexpected(file, found);
  if (endsExpression(previous) || isMark(previous, "(", "[", "{", ",")) return unexpected(file, found);
  return tell("missing-operand", { after: quote(previous) }, span(file, previous));
}

function unexpected(file: SourceFile, token: IToken): Diagnostic {
  if (token.image === "") return tell("unexpected-text", { text: "the end of the file" }, span(file, token));
  return tell("unexpected-text", { text: quote(token) }, span(file, token));
}

/** Text that no rule could use, in plain words; none where it is only brackets made up in mending others, reported there. */
export function explainSkipped(file: SourceFile, skipped: Skipped): Diagnostic | undefined {
  const found = skipped.tokens.find((token) => token.image !== "");
  // Brackets nest: one that closes what was not understood was opened by it, and that was told.
  return found === undefined || closes(found) ? undefined : explainUnread(file, skipped, found);
}

function explainUnread(file: SourceFile, skipped: Skipped, found: IToken): Diagnostic {
  const { rule, previous } = skipped;
  const at = span(file, found);
  const next = skipped.tokens[skipped.tokens.indexOf(found) + 1];
  const joins = previous !== undefined && endsExpression(previous);
  if (isMark(found, ".") && next !== undefined && /^[0-9]/.test(next.image) && !joins)
    return tell(
      "bare-fraction",
      { text: next.image },
      { file, start: at.start, end: span(file, next).end },
      { fix: { title: "write the zero", span: at, replacement: "0." } },
    );
  if (joins && isMark(found, "<", "<=", ">", ">=", "==", "!=")) return tell("chained-comparison", {}, at);
  switch (rule) {
    case "file":
    case "body":
      return explainBetweenItems(file, found, next, previous);
    case "record":
      if (isMark(found, "=") && !joins) return tell("missing-target", {}, at);
      return commaOr(file, found, previous) ?? (isKeyword(found) && isMark(next, "=") ? reserved(file, found) : unexpected(file, found));
    case "signature":
      if (isName(previous) && (isMark(found, "[") || isName(found)) && !isMark(next, ":")) return missingColon(file, found, previous);
      break;
    case "call":
      if (isName(previous) && isMark(found, ":"))
        return tell("wrong-equals", { name: quote(previous ?? found), found: ":" }, at, {
          fix: { title: "write ` =`", span: at, replacement: " =" },
        });
      break;
    case "atom":
    case "hole":
      if (isMark(found, ",")) return tell("no-tuple", {}, at);
      if (joins && startsExpression(found)) return tell("side-by-side", { before: quote(previous), after: quote(found) }, at);
      break;
    default:
      break;
  }
  if (joins && startsExpression(found) && rule !== "atom" && rule !== "hole")
    return tell("missing-comma", { before: quote(previous), after: quote(found) }, at, {
      fix: insertAfter(file, previous, ",", "write a comma"),
    });
  return commaOr(file, found, previous) ?? (isKeyword(found) ? reserved(file, found) : unexpected(file, found));
}

function missingColon(file: SourceFile, found: IToken, previous: IToken | undefined): Diagnostic {
  if (previous === undefined) return unexpected(file, found);
  return tell("missing-colon", { name: quote(previous) }, span(file, found), { fix: insertAfter(file, previous, ":", "write `:`") });
}

function explainBetweenItems(file: SourceFile, found: IToken, next: IToken | undefined, previous: IToken | undefined): Diagnostic {
  const at = span(file, found);
  if (found.image === "import") return tell("misplaced-import", {}, at);
  if (isMark(found, ",")) return tell("no-separator", { text: "," }, at, { fix: removal(at) });
  if (isKeyword(found) && isMark(next, "=")) return reserved(file, found);
  if (isMark(previous, "=") && previous?.startLine === found.startLine) return unexpected(file, found);
  const sameLine = previous !== undefined && previous.endLine === found.startLine;
  if (isMark(found, "=") && !sameLine) return tell("missing-target", {}, at);
  const texts = found.tokenType === StringToken || found.tokenType === QuotedToken;
  if (previous !== undefined && sameLine && endsExpression(previous) && (texts || startsExpression(found)))
    return tell("side-by-side", { before: quote(previous), after: quote(found) }, at);
  return unexpected(file, found);
}
