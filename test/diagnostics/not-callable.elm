tokenizer chars { kind = char   corpus = "text.txt" }

model m {
  forward(tokens: chars[B, T]) -> [B, T, chars.vocab_size] {
    x = embedding(tokens, 8)
    y = [1, 2][0](x)
    return linear(x, chars.vocab_size)
  }
}

#> error[not-callable]: This is the number 1, which cannot be called.
#>   ┌─ not-callable.elm:6:9
#> 6 │     y = [1, 2][0](x)
#>   │         ^^^^^^^^^
