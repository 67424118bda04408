block many(x: [B, T, D]) -> [B, T, D] {
  y = x
  repeat 4000 { y = y + 1 }
  return y
}

tokenizer chars { kind = char   corpus = "text.txt" }

model m {
  forward(tokens: chars[B, T]) -> [B, T, chars.vocab_size] {
    x = embedding(tokens, 8)
    repeat 100 { x = many(x) }
    return linear(x, chars.vocab_size)
  }
}

#> error[too-large]: This program has more than 50000 equations.
#>   ┌─ too-large.elm:3:23
#> 3 │   repeat 4000 { y = y + 1 }
#>   │                       ^
