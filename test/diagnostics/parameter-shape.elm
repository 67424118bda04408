tokenizer chars { kind = char   corpus = "text.txt" }

model m {
  forward(tokens: chars[B, T]) -> [B, T, chars.vocab_size] {
    x = embedding(tokens, 8) + parameter([T, 8])
    return linear(x, chars.vocab_size)
  }
}

#> error[parameter-shape]: A parameter's shape must be numbers, but this is [T, 8].
#>   ┌─ parameter-shape.elm:5:42
#> 5 │     x = embedding(tokens, 8) + parameter([T, 8])
#>   │                                          ^^^^^^
