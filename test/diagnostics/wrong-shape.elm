block layer(x: [B, T, D], y: [B, T, D]) -> [B, T, D] { return x * y }

tokenizer chars { kind = char   corpus = "text.txt" }

model m {
  dim    = 8
  hidden = 12
  forward(tokens: chars[B, T]) -> [B, T, chars.vocab_size] {
    x = embedding(tokens, dim)
    y = linear(x, hidden)
    return linear(layer(x, y), chars.vocab_size)
  }
}

#> error[wrong-shape]: `y` is declared [B, T, D], but this is [B, T, 12].
#>    ┌─ wrong-shape.elm:11:28
#>  1 │ block layer(x: [B, T, D], y: [B, T, D]) -> [B, T, D] { return x * y }
#>    │                              --------- declared here
#>    ·
#>  6 │   dim    = 8
#>    │   ---------- because `dim = 8`
#>  7 │   hidden = 12
#>    │   ----------- because `hidden = 12`
#>    ·
#> 11 │     return linear(layer(x, y), chars.vocab_size)
#>    │                            ^
#>    = In this call `D` is 8.
