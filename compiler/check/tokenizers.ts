// Tokenizer sections → vocabularies. In: a declaration and the host's corpora. Out: how many ids there are, which of them are named, and, where the
// kind is built, the specification the runtime encodes with. Kinds that are not built yet still tell their size, so that models over them check.

import type { Span } from "../../grammar/source.js";
import type { TokenizerSpec } from "../../runtime/artifact.js";
import { resolvePath } from "../host.js";
import type { Declaration } from "./program.js";
import { type Checker, headOf, type Read, read } from "./settings.js";
import { describe, type Value } from "./values.js";

/** Labels without names of their own, at most. */
const CLASS_LIMIT = 2 ** 24;

export interface Vocabulary {
  readonly declaration: Declaration;
  readonly kind: string;
  /** Reserved ids included. */
  readonly size: number;
  /** Ids used, without those `vocab_size` reserves. */
  readonly used: number;
  /** Named ids of this vocabulary; a union's are ids of the whole. */
  readonly specials: ReadonlyMap<string, number>;
  readonly members: readonly { readonly vocabulary: Vocabulary; readonly offset: number }[];
  /** Sub-codes of a `binary` token: the last axis. */
  readonly groups: number | undefined;
  /** Absent: not built yet, or wrong. */
  readonly spec: TokenizerSpec | undefined;
  /** What is not built, in words. */
  readonly unbuilt: string | undefined;
  readonly span: Span;
}

/** Undefined after a report. */
export function tokenizer(
  checker: Checker,
  declaration: Declaration,
  vocabularyOf: (d: Declaration) => Vocabulary | undefined,
): Vocabulary | undefined {
  const settings = read(checker, declaration);
  if (!settings.has("kind")) {
    settings.report("missing-setting", headOf(declaration), { section: declaration.name, name: "kind", example: "kind = char" });
    return undefined;
  }
  const kind = settings.word("kind", "");
  const base = { declaration, kind: kind ?? "", members: [], groups: undefined, span: headOf(declaration), unbuilt: undefined };
  switch (kind) {
    case "char": {
      const alphabet = charactersOf(checker, settings);
      if (alphabet === undefined) return undefined;
      const special = ownSpecials(settings, alphabet.length);
      return (
        special &&
        sized(settings, {
          ...base,
          specials: special.ids,
          used: alphabet.length + special.names.length,
          size: 0,
          spec: { kind: "char", alphabet, specials: special.names },
        })
      );
    }
    case "byte": {
      const special = ownSpecials(settings, 256);
      return (
        special &&
        sized(settings, {
          ...base,
          specials: special.ids,
          used: 256 + special.names.length,
          size: 0,
          spec: { kind: "byte", specials: special.names },
        })
      );
    }
    case "label": {
      const names = labelsOf(settings);
      const special = names && ownSpecials(settings, names.length);
      return (
        special &&
        sized(settings, {
          ...base,
          specials: special.ids,
          used: names.length + special.names.length,
          size: 0,
          spec: { kind: "label", names, specials: special.names },
        })
      );
    }
    case "union":
      return union(settings, base, vocabularyOf);
    case undefined:
      return undefined;
    default:
      return later(settings, base, kind);
  }
}

type Base = Pick<Vocabulary, "declaration" | "kind" | "members" | "groups" | "span" | "unbuilt">;

/** The sorted set of code points of the corpus. */
function charactersOf(checker: Checker, settings: Read): string[] | undefined {
  const { declaration } = settings;
  const path = settings.string("corpus");
  if (path === undefined) {
    if (!settings.has("corpus"))
      settings.report("missing-setting", headOf(declaration), {
        section: declaration.name,
        name: "corpus",
        example: 'corpus = "text.txt"',
      });
    return undefined;
  }
  const text = checker.program.host.read(resolvePath(declaration.unit.folder, path));
  if (text === undefined) {
    settings.report("missing-file", settings.span("corpus"), { path, what: "The corpus" });
    return undefined;
  }
  const points = new Set<number>();
  for (const character of text) points.add(character.codePointAt(0) ?? 0);
  if (points.size === 0) {
    settings.report("no-characters", settings.span("corpus"), { path });
    return undefined;
  }
  return [...points].sort((a, b) => a - b).map((point) => String.fromCodePoint(point));
}

function labelsOf(settings: Read): string[] | undefined {
  const { declaration } = settings;
  const names = settings.value("names");
  if (names !== undefined) {
    const texts = distinct(settings, "names", textsOf(names));
    return texts === "twice" ? undefined : (texts ?? settings.wrong("names", names));
  }
  if (!settings.has("classes")) {
    settings.report("missing-setting", headOf(declaration), {
      section: declaration.name,
      name: "names",
      example: 'names = ["cat", "dog"]',
    });
    return undefined;
  }
  const count = settings.number("classes", 0);
  if (count !== undefined && count > CLASS_LIMIT) {
    settings.report("out-of-range", settings.span("classes"), { name: "classes", value: String(count), range: `at most ${CLASS_LIMIT}` });
    return undefined;
  }
  return count === undefined ? undefined : Array.from({ length: count }, (_, i) => String(i));
}

function textsOf(value: Value): string[] | undefined {
  if (value.kind !== "list") return undefined;
  const texts = value.items.flatMap((item) =>
    item.kind === "string" ? [item.value] : item.kind === "word" && !item.called ? [item.word] : [],
  );
  return texts.length === value.items.length ? texts : undefined;
}

/** The names as they are; `twice` after a report of one that stands twice. */
function distinct(settings: Read, setting: string, names: string[] | undefined): string[] | "twice" | undefined {
  const seen = new Set<string>();
  const again = names?.find((name) => seen.size === seen.add(name).size);
  if (again === undefined) return names;
  settings.report("same-name", settings.span(setting), { name: again, what: "The name" });
  return "twice";
}

/** Specials of a tokenizer that is no union take the ids after its own. */
function ownSpecials(
  settings: Read,
  first: number,
): { readonly names: readonly string[]; readonly ids: ReadonlyMap<string, number> } | undefined {
  const value = settings.value("special");
  if (value === undefined) return { names: [], ids: new Map() };
  const names = distinct(settings, "special", textsOf(value));
  if (names === "twice") return undefined;
  if (names === undefined) {
    if (value.kind === "unknown") return undefined;
    settings.report("wrong-setting", settings.span("special"), {
      name: "special",
      expected: 'a list of names, like `["bos", "eos"]`',
      got: describe(value),
    });
    return undefined;
  }
  return { names, ids: new Map(names.map((name, i) => [name, first + i])) };
}

/** `vocab_size` may reserve more ids than there are tokens. */
function sized(settings: Read, vocabulary: Vocabulary): Vocabulary | undefined {
  const size = settings.number("vocab_size", vocabulary.used);
  if (size === undefined) return undefined;
  if (size < vocabulary.used) {
    settings.report("vocab-too-small", settings.span("vocab_size"), { name: vocabulary.declaration.name, size, needs: vocabulary.used });
    return undefined;
  }
  return { ...vocabulary, size };
}

function union(settings: Read, base: Base, vocabularyOf: (d: Declaration) => Vocabulary | undefined): Vocabulary | undefined {
  const { declaration } = settings;
  const value = settings.value("members");
  if (value?.kind !== "list") {
    if (value !== undefined) return settings.wrong("members", value);
    settings.report("missing-setting", headOf(declaration), {
      section: declaration.name,
      name: "members",
      example: "members = [words, pixels]",
    });
    return undefined;
  }
  const members: { vocabulary: Vocabulary; offset: number }[] = [];
  let used = 0;
  for (const item of value.items) {
    if (item.kind === "unknown") return undefined;
    if (item.kind !== "section" || item.declaration.keyword !== "tokenizer") return settings.wrong("members", item);
    const vocabulary = vocabularyOf(item.declaration);
    if (vocabulary === undefined) return undefined;
    members.push({ vocabulary, offset: used });
    used += vocabulary.size;
  }
  const specials = unionSpecials(settings, used);
  if (specials === undefined) return undefined;
  used = Math.max(used, ...[...specials.values()].map((id) => id + 1));
  const missing = members.find((m) => m.vocabulary.spec === undefined)?.vocabulary;
  const sizedUnion = sized(settings, { ...base, members, used, size: 0, specials, spec: undefined, unbuilt: missing?.unbuilt });
  if (sizedUnion === undefined || missing !== undefined) return sizedUnion;
  const spec: TokenizerSpec = {
    kind: "union",
    members: members.map((m) => m.vocabulary.declaration.name),
    offsets: members.map((m) => m.offset),
    specials: Object.fromEntries(specials),
    vocabSize: sizedUnion.size,
  };
  return { ...sizedUnion, spec };
}

/** A list takes the next free ids, a record a number; a member's piece needs a trained vocabulary. */
function unionSpecials(settings: Read, first: number): Map<string, number> | undefined {
  const value = settings.value("special");
  const ids = new Map<string, number>();
  if (value === undefined) return ids;
  const names = distinct(settings, "special", textsOf(value));
  if (names === "twice") return undefined;
  if (names !== undefined) {
    for (const [i, name] of names.entries()) ids.set(name, first + i);
    return ids;
  }
  if (value.kind !== "record") return settings.wrong("special", value);
  for (const [name, entry] of value.entries) {
    if (entry.kind === "string") {
      settings.report("not-built-yet", settings.span("special"), { what: "A special named by a piece of a member" });
      return undefined;
    }
    if (entry.kind !== "number" || !Number.isInteger(entry.value) || entry.value < 0) return settings.wrong("special", entry);
    const other = [...ids].find(([, id]) => id === entry.value)?.[0];
    if (other !== undefined) {
      settings.report("same-id", settings.span("special"), { name, other, id: entry.value });
      return undefined;
    }
    ids.set(name, entry.value);
  }
  return ids;
}

/** What can be said of a kind that is not built yet: its size, where a setting gives it. */
function later(settings: Read, base: Base, kind: string): Vocabulary | undefined {
  const unbuilt = `A tokenizer of kind \`${kind}\``;
  const groups = kind === "binary" ? settings.number("groups", 1) : undefined;
  const bits = kind === "binary" ? settings.number("bits", 0) : undefined;
  const codes = bits !== undefined && groups !== undefined ? 2 ** (bits / groups) : settings.number("codebook_size", 0);
  const used = codes || settings.number("vocab_size", 0) || 0;
  return {
    ...base,
    groups,
    specials: new Map(),
    used,
    size: Math.max(used, settings.number("vocab_size", used) ?? used),
    spec: undefined,
    unbuilt,
  };
}
