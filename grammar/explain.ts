import type { Diagnostic, Fix, Label } from "./diagnostic.js";
import type { Span } from "./source.js";

interface Sentence {
  readonly message: string;
  readonly label?: string;
  readonly notes?: readonly string[];
}

const catalogue = {
  "missing-value": ({ name }: { name: string }): Sentence => ({ message: `\`${name}\` has no value.`, label: "a value must start on this line" }),
  "bad-escape": ({ text }: { text: string }): Sentence => ({ message: `\`${text}\` is not an escape.` }),
  "unexpected-text": ({ text }: { text: string }): Sentence => ({ message: `\`${text}\` does not belong here.` }),
};

export type Code = keyof typeof catalogue;
export type Facts<C extends Code> = Parameters<(typeof catalogue)[C]>[0];

export function tell<C extends Code>(code: C, facts: Facts<C>, at: Span, also: readonly Label[] = [], fix?: Fix): Diagnostic {
  const { message, label, notes } = (catalogue[code] as (facts: Facts<C>) => Sentence)(facts);
  return { code, severity: "error", message, at: { span: at, text: label ?? "" }, also, notes: notes ?? [], ...(fix === undefined ? {} : { fix }) };
}
