tokenizer chars { kind = char   corpus = "text.txt" }

model m {
  forward(tokens: chars[B, T]) -> [B, T, chars.vocab_size] {
    x = embedding(tokens, 8)
    return linear(x, chars.vocab_size)
  }
}

sequence passage(text: chars) -> chars { tokens = [predict(text)]   rows = window }

sampler s {
  model    = m
  sequence = passage
  top_p    = 1.5
}

#> error[out-of-range]: `top_p = 1.5` is out of range: it is a number from 0 to 1.
#>    ┌─ out-of-range.elm:15:14
#> 15 │   top_p    = 1.5
#>    │              ^^^
