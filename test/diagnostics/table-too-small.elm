tokenizer chars { kind = char   corpus = "text.txt" }

model m {
  forward(tokens: chars[B, T]) -> [B, T, chars.vocab_size] {
    table = parameter([2, 8])
    x = embedding(tokens, 8) + gather(table, tokens)
    return linear(x, chars.vocab_size)
  }
}

#> error[table-too-small]: A table of 2 rows is too small for `chars`, which has 4 tokens.
#>   ┌─ table-too-small.elm:6:39
#> 1 │ tokenizer chars { kind = char   corpus = "text.txt" }
#>   │ --------------- because `chars.vocab_size = 4`
#>   ·
#> 6 │     x = embedding(tokens, 8) + gather(table, tokens)
#>   │                                       ^^^^^
