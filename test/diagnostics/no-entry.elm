tokenizer chars { kind = char   corpus = "text.txt" }

model m {
  size = "sma1l"
  dim  = { small = 8, large = 16 }[size]
  forward(tokens: chars[B, T]) -> [B, T, chars.vocab_size] {
    x = embedding(tokens, dim)
    return linear(x, chars.vocab_size)
  }
}

#> error[no-entry]: There is no entry `sma1l`.
#>   ┌─ no-entry.elm:5:36
#> 5 │   dim  = { small = 8, large = 16 }[size]
#>   │                                    ^^^^
#>   = There are `small`, `large`.
#>   = The nearest is `small`.
