// Symbolic dimensions: exact polynomials over names with integer coefficients, in one normal form, so that equal sizes compare equal.
// A quotient that does not reduce becomes a symbol of its own (`D/n_heads`), which multiplies back: n_heads * (D/n_heads) = D.

/** Monomial ("" is the constant, else names sorted and joined by `*`) → coefficient, never 0. */
export interface Dim {
  readonly terms: ReadonlyMap<string, number>;
}

export function constant(value: number): Dim {
  return { terms: value === 0 ? new Map() : new Map([["", value]]) };
}

export function symbol(name: string): Dim {
  return { terms: new Map([[name, 1]]) };
}
