tokenizer chars { kind = char   corpus = "text.txt" }
sequence passage(text: chars) -> chars { tokens = [text] }

#> error[no-prediction]: `passage` predicts nothing.
#>   ┌─ no-prediction.elm:2:51
#> 2 │ sequence passage(text: chars) -> chars { tokens = [text] }
#>   │                                                   ^^^^^^
#>   = Mark what is learned: `tokens = [predict(text)]`.
