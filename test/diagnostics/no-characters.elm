tokenizer chars { kind = char   corpus = "empty.txt" }

#> error[no-characters]: The corpus `empty.txt` is empty.
#>   ┌─ no-characters.elm:1:42
#> 1 │ tokenizer chars { kind = char   corpus = "empty.txt" }
#>   │                                          ^^^^^^^^^^^
