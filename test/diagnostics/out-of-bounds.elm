tokenizer chars { kind = char   corpus = "text.txt" }

model m {
  forward(tokens: chars[B, T]) -> [B, T, chars.vocab_size] {
    x = embedding(tokens, 8)
    return linear(x[:, :, 8], chars.vocab_size)
  }
}

#> error[out-of-bounds]: Index 8 is outside a length of 8.
#>   ┌─ out-of-bounds.elm:6:27
#> 6 │     return linear(x[:, :, 8], chars.vocab_size)
#>   │                           ^
