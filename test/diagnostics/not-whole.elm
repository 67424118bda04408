tokenizer chars { kind = char   corpus = "text.txt" }

model m {
  dim = 7.5
  forward(tokens: chars[B, T]) -> [B, T, chars.vocab_size] {
    x = embedding(tokens, dim)
    return linear(x, chars.vocab_size)
  }
}

#> error[not-whole]: `dim` is a whole number of at least 0, not 7.5.
#>   ┌─ not-whole.elm:6:27
#> 4 │   dim = 7.5
#>   │   --------- because `dim = 7.5`
#>   ·
#> 6 │     x = embedding(tokens, dim)
#>   │                           ^^^
