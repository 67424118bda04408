tokenizer chars { kind = char   corpus = "text.txt" }

model m {
  forward(tokens: chars[B, T]) -> [B, T, 9] {
    x = embedding(tokens, 8)
    return linear(x, 9)
  }
}

sequence passage(text: chars) -> chars { tokens = [predict(text)]   rows = window }
data plays { source = text("text.txt") }

training {
  model     = m
  examples  = passage(plays)
  max_steps = 10
}

#> error[wrong-output]: `m` returns [B, T, 9], but [B, T, 4] is needed to score the next token.
#>   ┌─ wrong-output.elm:3:1
#> 3 │ model m {
#>   │ ^^^^^^^
