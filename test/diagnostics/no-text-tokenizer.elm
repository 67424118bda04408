tokenizer digits { kind = label   classes = 10 }
sequence s(digit: digits) -> digits { tokens = ["is ", predict(digit)] }

#> error[no-text-tokenizer]: `digits` cannot encode text.
#>   ┌─ no-text-tokenizer.elm:2:49
#> 2 │ sequence s(digit: digits) -> digits { tokens = ["is ", predict(digit)] }
#>   │                                                 ^^^^^
