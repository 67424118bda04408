data plays { source = text("play.txt") }

#> warning[missing-data]: The data file `play.txt` is not there.
#>   ┌─ missing-data.elm:1:23
#> 1 │ data plays { source = text("play.txt") }
#>   │                       ^^^^^^^^^^^^^^^^ needed when training starts
