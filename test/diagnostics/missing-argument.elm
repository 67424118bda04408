tokenizer chars { kind = char   corpus = "text.txt" }

model m {
  forward(tokens: chars[B, T]) -> [B, T, chars.vocab_size] {
    x = embedding(tokens)
    return linear(x, chars.vocab_size)
  }
}

#> error[missing-argument]: `embedding` needs `dim`.
#>   ┌─ missing-argument.elm:5:9
#> 5 │     x = embedding(tokens)
#>   │         ^^^^^^^^^^^^^^^^^
#>   ┌─ std:9:34
#> 9 │ block embedding(ids: token[...], dim: int, init: word = normal(0.02),
#>   │                                  -------- declared here
