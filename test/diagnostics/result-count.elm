block twice(x: [B, T, D]) -> [B, T, D], [B, T, D] { return x }

tokenizer chars { kind = char   corpus = "text.txt" }

model m {
  forward(tokens: chars[B, T]) -> [B, T, chars.vocab_size] {
    a, b = twice(embedding(tokens, 8))
    return linear(a + b, chars.vocab_size)
  }
}

#> error[result-count]: `twice` declares 2 results, but 1 is given.
#>   ┌─ result-count.elm:1:53
#> 1 │ block twice(x: [B, T, D]) -> [B, T, D], [B, T, D] { return x }
#>   │                                                     ^^^^^^^^
