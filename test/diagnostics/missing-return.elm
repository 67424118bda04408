tokenizer chars { kind = char   corpus = "text.txt" }

model m {
  forward(tokens: chars[B, T]) -> [B, T, chars.vocab_size] {
    x = embedding(tokens, 8)
  }
}

#> error[missing-return]: `forward` returns nothing.
#>   ┌─ missing-return.elm:4:3
#> 4 │   forward(tokens: chars[B, T]) -> [B, T, chars.vocab_size] {
#>   │   ^^^^^^^
