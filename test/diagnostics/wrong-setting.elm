tokenizer chars { kind = char   corpus = "text.txt" }

model m {
  forward(tokens: chars[B, T]) -> [B, T, chars.vocab_size] {
    x = embedding(tokens, 8)
    return linear(x, chars.vocab_size)
  }
}

sequence passage(text: chars) -> chars { tokens = [predict(text)]   rows = window }
data plays { source = text("text.txt") }

training {
  model     = m
  examples  = passage(plays)
  max_steps = 10
  optimizer = adamW()
}

#> error[wrong-setting]: `optimizer` is `adamw(…)`, not `adamW(…)`.
#>    ┌─ wrong-setting.elm:17:15
#> 17 │   optimizer = adamW()
#>    │               ^^^^^^^
#>    = help: replace by `adamw`
