tokenizer chars { kind = char   corpus = "text.txt" }

model m {
  forward(tokens: chars[B, T]) -> [B, T, chars.vocab_size] {
    x = embedding(tokens, 8 + "8")
    return linear(x, chars.vocab_size)
  }
}

#> error[wrong-operands]: `+` does not take the number 8 and the text "8".
#>   ┌─ wrong-operands.elm:5:29
#> 5 │     x = embedding(tokens, 8 + "8")
#>   │                             ^
