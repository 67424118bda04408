tokenizer chars { kind = char   corpus = "text.txt" }

model m {
  forward(tokens: chars[B, T]) -> [B, T, chars.vocab_size] {
    x = embedding(tokens, 8)
    return linear(x / T, chars.vocab_size)
  }
}

#> error[rows-as-value]: `T` is used as a value, but it varies: a row count is one number in training and another when decoding.
#>   ┌─ rows-as-value.elm:6:23
#> 6 │     return linear(x / T, chars.vocab_size)
#>   │                       ^ a varying size stands in shapes only
