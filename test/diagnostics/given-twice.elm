tokenizer chars { kind = char   corpus = "text.txt" }

model m {
  forward(tokens: chars[B, T]) -> [B, T, chars.vocab_size] {
    x = embedding(tokens, 8, dim = 16)
    return linear(x, chars.vocab_size)
  }
}

#> error[given-twice]: `embedding` gets `dim` twice.
#>   ┌─ given-twice.elm:5:30
#> 5 │     x = embedding(tokens, 8, dim = 16)
#>   │                              ^^^^^^^^
