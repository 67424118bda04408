model { forward(x: [B, 4]) -> [B, 4] { return x * 2 } }

#> error[name-needed]: A `model` needs a name.
#>   ┌─ name-needed.elm:1:1
#> 1 │ model { forward(x: [B, 4]) -> [B, 4] { return x * 2 } }
#>   │ ^^^^^
