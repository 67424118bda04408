// Expressions that fill the holes of kernel archetypes: what a GEMM does to an element before it is stored, what a row kernel
// computes. Operands are numbered in the order of the kernel's bindings; only op names of the IR and numbers reach WGSL.

import type { BinaryOp, UnaryOp } from "../ir/graph.js";

/**
 * How an operand is indexed by the element (row, col) of a [rows, cols] kernel:
 * `full` [rows, cols] · `row` one number a row [rows] · `col` one a column [cols] · `one` a single number ·
 * `period`: row modulo `operand.period` then full, [period, cols] (a [T, D] tensor added to [B, T, D]).
 */
export type Access = "full" | "row" | "col" | "one" | "period";

export type Expr =
  /** The archetype's own value at this element (a GEMM's accumulator). */
  | { readonly kind: "accumulator" }
  | { readonly kind: "load"; readonly operand: number; readonly access: Access }
  | { readonly kind: "constant"; readonly value: number }
  /** The index of the element's row or column as f32. */
  | { readonly kind: "index"; readonly axis: "row" | "col" }
  | { readonly kind: "unary"; readonly op: UnaryOp; readonly x: Expr }
  | { readonly kind: "binary"; readonly op: BinaryOp; readonly x: Expr; readonly y: Expr }
  | { readonly kind: "where"; readonly condition: Expr; readonly x: Expr; readonly y: Expr };
