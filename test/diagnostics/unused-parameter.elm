tokenizer chars { kind = char   corpus = "text.txt" }

model m {
  forward(tokens: chars[B, T]) -> [B, T, chars.vocab_size] {
    x = embedding(tokens, 8)
    scale = parameter([8])
    return linear(x, chars.vocab_size)
  }
}

#> warning[unused-parameter]: The parameter `scale` changes no result.
#>   ┌─ unused-parameter.elm:6:13
#> 6 │     scale = parameter([8])
#>   │             ^^^^^^^^^^^^^^
