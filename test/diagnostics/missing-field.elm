tokenizer chars { kind = char   corpus = "text.txt" }

model m {
  forward(tokens: chars[B, T]) -> [B, T, chars.vocab_size] {
    x = embedding(tokens, 8)
    return linear(x, chars.vocab_size)
  }
}

sequence tale(story: chars) -> chars { tokens = [predict(story)] }
data plays { source = text("text.txt") }
training { model = m   examples = tale(plays)   max_steps = 10 }

#> error[missing-field]: `tale` needs the field `story`, and `plays` has `text`.
#>    ┌─ missing-field.elm:12:35
#> 12 │ training { model = m   examples = tale(plays)   max_steps = 10 }
#>    │                                   ^^^^^^^^^^^
#>    = Name the column: `tale(plays, story = text)`.
