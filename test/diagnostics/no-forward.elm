model m { context_length = 64 }

#> error[no-forward]: The model `m` has no `forward`.
#>   ┌─ no-forward.elm:1:1
#> 1 │ model m { context_length = 64 }
#>   │ ^^^^^^^
