block deeper(x: [B, T, D]) -> [B, T, D] { return deeper(x) + 1 }

tokenizer chars { kind = char   corpus = "text.txt" }

model m {
  forward(tokens: chars[B, T]) -> [B, T, chars.vocab_size] {
    x = deeper(embedding(tokens, 8))
    return linear(x, chars.vocab_size)
  }
}

#> error[calls-too-deep]: `deeper` calls blocks more than 64 deep.
#>   ┌─ calls-too-deep.elm:1:50
#> 1 │ block deeper(x: [B, T, D]) -> [B, T, D] { return deeper(x) + 1 }
#>   │                                                  ^^^^^^^^^
#>   = A block that calls itself never ends.
