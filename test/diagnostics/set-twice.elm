tokenizer chars { kind = char   corpus = "text.txt" }

model m {
  context_length = 64
  context_length = 128
  forward(tokens: chars[B, T]) -> [B, T, chars.vocab_size] {
    x = embedding(tokens, 8)
    return linear(x, chars.vocab_size)
  }
}

#> error[set-twice]: `context_length` is set twice.
#>   ┌─ set-twice.elm:5:3
#> 5 │   context_length = 128
#>   │   ^^^^^^^^^^^^^^ set again
