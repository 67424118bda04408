tokenizer chars { kind = char   corpus = "text.txt" }

model m {
  forward(tokens: chars[B, T]) -> [B, T, chars.vocab_size] {
    x = embedding(tokens, 8)
    repeat 100000 { x = x + 1 }
    return linear(x, chars.vocab_size)
  }
}

#> error[too-many-rounds]: 100000 rounds are too many: loops are unrolled, 4096 at most.
#>   ┌─ too-many-rounds.elm:6:12
#> 6 │     repeat 100000 { x = x + 1 }
#>   │            ^^^^^^
