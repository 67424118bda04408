tokenizer chars { kind = char   corpus = "text.txt" }

model m {
  n_layers = chars.vocab_size
  depth    = n_layers
  forward(tokens: chars[B, T]) -> [B, T, chars.vocab_size] {
    x = embedding(tokens, 8)
    return linear(y, n_layer)
  }
}

#> error[unknown-setting]: `model m` has no setting called `depth`, and its equations use no such name.
#>   ┌─ unknown-name.elm:5:3
#> 5 │   depth    = n_layers
#>   │   ^^^^^ here it is called `n_layers`
#>   = help: replace by `n_layers`
#>
#> error[unknown-name]: Nothing is called `y` here.
#>   ┌─ unknown-name.elm:8:19
#> 8 │     return linear(y, n_layer)
#>   │                   ^
#>
#> error[unknown-name]: Nothing is called `n_layer` here.
#>   ┌─ unknown-name.elm:8:22
#> 8 │     return linear(y, n_layer)
#>   │                      ^^^^^^^
#>   = help: replace by `n_layers`
