tokenizer chars { kind = char   corpus = "text.txt" }
sequence passage(text: chars) -> chars { tokens = [predcit(text)] }

#> error[wrong-pattern]: `predcit(…)` is no part of a pattern.
#>   ┌─ wrong-pattern.elm:2:52
#> 2 │ sequence passage(text: chars) -> chars { tokens = [predcit(text)] }
#>   │                                                    ^^^^^^^
#>   = A pattern is a list of fields, specials, strings, bindings of the section, `predict(…)`,
#>     `drop(…)` and `one_of([…])`.
#>   = help: replace by `predict`
