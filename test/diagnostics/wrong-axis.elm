tokenizer chars { kind = char   corpus = "text.txt" }

model m {
  forward(tokens: chars[B, T]) -> [B, T, chars.vocab_size] {
    x = embedding(tokens, 8)
    return linear(softmax(x, axis = 3), chars.vocab_size)
  }
}

#> error[wrong-axis]: There is no axis 3 in [B, T, 8].
#>   ┌─ wrong-axis.elm:6:19
#> 6 │     return linear(softmax(x, axis = 3), chars.vocab_size)
#>   │                   ^^^^^^^^^^^^^^^^^^^^
