tokenizer chars { kind = char   corpus = "text.txt" }

model m {
  forward(tokens: chars[B, T]) -> [B, T, chars.vocab_size] {
    x = embedding(tokens, 8)
    repeat 2 { x = linear(x, 8, name = "layer") }
    return linear(x, chars.vocab_size)
  }
}

#> error[same-parameter-name]: Two parameters would both be stored as `layer.weight`.
#>   ┌─ same-parameter-name.elm:6:20
#> 6 │     repeat 2 { x = linear(x, 8, name = "layer") }
#>   │                    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
#>   = Give one of them a `name = "…"`; in a loop, with its counter: `name = "layers.{i}"`.
