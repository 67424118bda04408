tokeniser chars { kind = char   corpus = "text.txt" }

#> error[unknown-section]: There is no section called `tokeniser`.
#>   ┌─ unknown-section.elm:1:1
#> 1 │ tokeniser chars { kind = char   corpus = "text.txt" }
#>   │ ^^^^^^^^^
#>   = help: replace by `tokenizer`
