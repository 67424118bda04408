tokenizer chars { kind = char   corpus = "text.txt" }

model m {
  forward(tokens: chars[B, T]) -> [B, T, chars.vocab_size] {
    x = embedding(tokens, 8)
    w = parameter([8, 4])
    return linear(causal_conv(x, w), chars.vocab_size)
  }
}

#> error[not-built-yet]: `causal_conv` cannot be compiled yet.
#>   ┌─ not-built-yet.elm:7:19
#> 7 │     return linear(causal_conv(x, w), chars.vocab_size)
#>   │                   ^^^^^^^^^^^^^^^^^
