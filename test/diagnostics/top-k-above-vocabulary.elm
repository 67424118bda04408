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
  top_k    = 200
}

#> warning[top-k-above-vocabulary]: `top_k = 200` keeps every token: `chars` has 4.
#>    ┌─ top-k-above-vocabulary.elm:15:14
#> 15 │   top_k    = 200
#>    │              ^^^
