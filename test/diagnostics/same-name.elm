tokenizer chars { kind = char   corpus = "text.txt" }
tokenizer chars { kind = char   corpus = "text.txt" }

#> error[same-name]: The section `chars` is declared twice.
#>   ┌─ same-name.elm:2:11
#> 1 │ tokenizer chars { kind = char   corpus = "text.txt" }
#>   │           ----- declared here
#> 2 │ tokenizer chars { kind = char   corpus = "text.txt" }
#>   │           ^^^^^ declared again
