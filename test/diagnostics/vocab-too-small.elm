tokenizer bytes { kind = byte   vocab_size = 100 }

#> error[vocab-too-small]: `bytes` has 256 tokens, more than `vocab_size = 100`.
#>   ┌─ vocab-too-small.elm:1:46
#> 1 │ tokenizer bytes { kind = byte   vocab_size = 100 }
#>   │                                              ^^^
