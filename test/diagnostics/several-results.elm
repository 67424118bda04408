block twice(x: [B, T, D]) -> [B, T, D], [B, T, D] { return x, x }

tokenizer chars { kind = char   corpus = "text.txt" }

model m {
  forward(tokens: chars[B, T]) -> [B, T, chars.vocab_size] {
    a, b, c = twice(embedding(tokens, 8))
    return linear(a + b, chars.vocab_size)
  }
}

#> error[several-results]: This has 2 values, for 3 names.
#>   ┌─ several-results.elm:7:15
#> 7 │     a, b, c = twice(embedding(tokens, 8))
#>   │               ^^^^^^^^^^^^^^^^^^^^^^^^^^^
