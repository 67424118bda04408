tokenizer chars { kind = char   corpus = "text.txt" }

model m {
  forward(tokens: chars[B, T]) -> [B, T, chars.vocab_size] {
    x = embedding(tokens, 8)
    return linear(x, chars.vocab_size) + tokens
  }
}

#> error[tokens-as-numbers]: `+` needs numbers, and these are tokens.
#>   ┌─ tokens-as-numbers.elm:6:40
#> 6 │     return linear(x, chars.vocab_size) + tokens
#>   │                                        ^
#>   = Tokens are looked up: `embedding(tokens, dim)` or `gather(table, tokens)`.
