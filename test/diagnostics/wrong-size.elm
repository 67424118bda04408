tokenizer chars { kind = char   corpus = "text.txt" }

model m {
  forward(tokens: chars[B, T]) -> [B, T, chars.vocab_size] {
    x = embedding(tokens, 8)
    s = reshape(x, [B, T, 2, 5])
    return linear(x, chars.vocab_size)
  }
}

#> error[wrong-size]: [B, T, 8] cannot be reshaped to [B, T, 2, 5]: their sizes differ.
#>   ┌─ wrong-size.elm:6:9
#> 6 │     s = reshape(x, [B, T, 2, 5])
#>   │         ^^^^^^^^^^^^^^^^^^^^^^^^
