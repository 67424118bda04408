tokenizer chars { kind = char   corpus = "text.txt" }

model m {
  forward(tokens: chars[B, T]) -> [B, T, chars.vocab_size] {
    x = embedding(tokens, 8)
    x = x * 2
    return linear(x, chars.vocab_size)
  }
}

#> error[bound-twice]: `x` already has a value.
#>   ┌─ bound-twice.elm:6:5
#> 6 │     x = x * 2
#>   │     ^ bound again
#>   = Each name is bound once; only in a `repeat` does an outer name get its next value, once a round.
