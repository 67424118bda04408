import leyer from "other.elm"

#> error[unknown-import]: `other.elm` declares no `leyer`.
#>   ┌─ unknown-import.elm:1:8
#> 1 │ import leyer from "other.elm"
#>   │        ^^^^^
#>   = It declares `layer`.
#>   = help: replace by `layer`
