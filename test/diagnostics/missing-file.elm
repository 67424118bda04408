tokenizer chars { kind = char   corpus = "texts.txt" }

#> error[missing-file]: The corpus `texts.txt` cannot be read.
#>   ┌─ missing-file.elm:1:42
#> 1 │ tokenizer chars { kind = char   corpus = "texts.txt" }
#>   │                                          ^^^^^^^^^^^ no such file
