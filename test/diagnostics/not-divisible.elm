tokenizer chars { kind = char   corpus = "text.txt" }

model m {
  dim     = 384
  n_heads = 5
  forward(tokens: chars[B, T]) -> [B, T, chars.vocab_size] {
    x = embedding(tokens, dim)
    s = reshape(x, [B, T, n_heads, dim / n_heads])
    return linear(reshape(s, [B, T, dim]), chars.vocab_size)
  }
}

#> error[not-divisible]: 384 cannot be split evenly into 5.
#>   ┌─ not-divisible.elm:8:36
#> 4 │   dim     = 384
#>   │   ------------- because `dim = 384`
#> 5 │   n_heads = 5
#>   │   ----------- because `n_heads = 5`
#>   ·
#> 8 │     s = reshape(x, [B, T, n_heads, dim / n_heads])
#>   │                                    ^^^^^^^^^^^^^ 384 / 5 is not a whole number
#>   = Nearby values that divide 384: 3, 4, 6.
