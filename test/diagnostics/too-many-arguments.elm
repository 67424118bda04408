tokenizer chars { kind = char   corpus = "text.txt" }

model m {
  forward(tokens: chars[B, T]) -> [B, T, chars.vocab_size] {
    x = embedding(tokens, 8)
    return linear(silu(x, 2), chars.vocab_size)
  }
}

#> error[too-many-arguments]: `silu` takes 1 argument.
#>   ┌─ too-many-arguments.elm:6:27
#> 6 │     return linear(silu(x, 2), chars.vocab_size)
#>   │                           ^ one too many
