model m {
  forward(x: [..., 8]) -> [8] { return x }
}

#> error[unknown-dimension]: The dimension `...` is solved by no argument.
#>   ┌─ unknown-dimension.elm:2:15
#> 2 │   forward(x: [..., 8]) -> [8] { return x }
#>   │               ^^^
