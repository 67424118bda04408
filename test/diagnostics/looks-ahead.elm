tokenizer chars { kind = char   corpus = "text.txt" }

model m {
  forward(tokens: chars[B, T]) -> [B, T, chars.vocab_size] {
    x = embedding(tokens, 8)
    return linear(x + mean(x, axis = 1, keep = true), chars.vocab_size)
  }
}

sequence passage(text: chars) -> chars { tokens = [predict(text)]   rows = window }
data plays { source = text("text.txt") }

training {
  model     = m
  examples  = passage(plays)
  max_steps = 10
}

#> error[looks-ahead]: `m` cannot learn or draw the next token: `mean` over the rows sees the rows after.
#>    ┌─ looks-ahead.elm:6:23
#>  6 │     return linear(x + mean(x, axis = 1, keep = true), chars.vocab_size)
#>    │                       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ mixes rows
#>    ·
#> 14 │   model     = m
#>    │               - the next token is scored here
