tokenizer chars { kind = char   corpus = "text.txt" }

model m {
  dim    = 384
  hidden = 512
  forward(tokens: chars[B, T]) -> [B, T, chars.vocab_size] {
    x  = embedding(tokens, dim)
    up = gelu(linear(x, hidden))
    return linear(x + up, chars.vocab_size)
  }
}

#> error[shape-mismatch]: `+` needs matching shapes, but these are [B, T, 384] and [B, T, 512].
#>   ┌─ shape-mismatch.elm:9:21
#> 4 │   dim    = 384
#>   │   ------------ because `dim = 384`
#> 5 │   hidden = 512
#>   │   ------------ because `hidden = 512`
#>   ·
#> 9 │     return linear(x + up, chars.vocab_size)
#>   │                     ^
