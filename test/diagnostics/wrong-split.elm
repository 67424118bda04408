data plays { source = text("text.txt")   split = { train = 0.9, val = 0.2 } }

#> error[wrong-split]: The shares of `split` add up to 1.1, not 1.
#>   ┌─ wrong-split.elm:1:50
#> 1 │ data plays { source = text("text.txt")   split = { train = 0.9, val = 0.2 } }
#>   │                                                  ^^^^^^^^^^^^^^^^^^^^^^^^^^
