tokenizer chars { kind = char   corpus = "text.txt" }

model m {
  forward(tokens: chars[B, T]) -> [B, T, chars.vocab_size] {
    x = embedding(tokens, 8)
    repeat 2 { return x }
    return linear(x, chars.vocab_size)
  }
}

#> error[misplaced-item]: A `return` has no place in a `repeat`.
#>   ┌─ misplaced-item.elm:6:16
#> 6 │     repeat 2 { return x }
#>   │                ^^^^^^^^
