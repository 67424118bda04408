tokenizer chars { kind = char   corpus = "text.txt" }

model m {
  forward(tokens: chars[B, T]) -> [B, T, chars.vocab_size] {
    x = embedding(tokens, 8)
    return linear(x, chars.vocab_size)
  }
}

sequence passage(text: chars) -> chars { tokens = [predict(text)]   rows = window }
data plays { source = text("text.txt") }

training { model = m   examples = passage(plays) }

#> error[missing-setting]: `training` needs the setting `max_steps`.
#>    ┌─ missing-setting.elm:13:1
#> 13 │ training { model = m   examples = passage(plays) }
#>    │ ^^^^^^^^
#>    = For example `max_steps = 2000`.
