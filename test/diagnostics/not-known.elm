tokenizer chars { kind = char   corpus = "text.txt" }

model m {
  forward(tokens: chars[B, T]) -> [B, T, chars.vocab_size] {
    x = embedding(tokens, 8)
    return linear(if T == 4 then x else x * 2, chars.vocab_size)
  }
}

#> error[not-known]: The condition must be known before the program runs, and depends on the input here.
#>   ┌─ not-known.elm:6:22
#> 6 │     return linear(if T == 4 then x else x * 2, chars.vocab_size)
#>   │                      ^^^^^^
