tokenizer words { kind = bpe   corpus = "text.txt"   vocab_size = 300 }

#> warning[not-built-yet]: A tokenizer of kind `bpe` cannot be compiled yet; nothing that is compiled uses it.
#>   ┌─ not-built-yet-unused.elm:1:1
#> 1 │ tokenizer words { kind = bpe   corpus = "text.txt"   vocab_size = 300 }
#>   │ ^^^^^^^^^^^^^^^
