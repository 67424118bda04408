tokenizer chars { kind = char   corpus = "text.txt" }

model m {
  forward(tokens: chars[B, T]) -> [B, T, chars.vocab_size] {
    x = embedding(tokens, "8")
    return linear(x, chars.vocab_size)
  }
}

#> error[wrong-value]: `dim`, a whole number, is needed here, but this is the text "8".
#>   ┌─ wrong-value.elm:5:27
#> 5 │     x = embedding(tokens, "8")
#>   │                           ^^^
#>   ┌─ std:9:39
#> 9 │ block embedding(ids: token[...], dim: int, init: word = normal(0.02),
#>   │                                       --- declared here
