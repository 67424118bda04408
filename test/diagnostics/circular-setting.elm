tokenizer chars { kind = char   corpus = "text.txt" }

model m {
  dim  = 4 * half
  half = dim / 2
  forward(tokens: chars[B, T]) -> [B, T, chars.vocab_size] {
    x = embedding(tokens, dim)
    return linear(x, chars.vocab_size)
  }
}

#> error[circular-setting]: `dim` is computed from itself.
#>   ┌─ circular-setting.elm:4:3
#> 4 │   dim  = 4 * half
#>   │   ^^^
