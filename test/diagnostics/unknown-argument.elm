tokenizer chars { kind = char   corpus = "text.txt" }

model m {
  forward(tokens: chars[B, T]) -> [B, T, chars.vocab_size] {
    x = embedding(tokens, 8)
    return linear(x, chars.vocab_size, bais = false)
  }
}

#> error[unknown-argument]: `linear` has no argument called `bais`.
#>   ┌─ unknown-argument.elm:6:40
#> 6 │     return linear(x, chars.vocab_size, bais = false)
#>   │                                        ^^^^
#>   = It takes `x`, `out`, `bias`, `init`, `weight`.
#>   = help: replace by `bias`
