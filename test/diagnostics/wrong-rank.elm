tokenizer chars { kind = char   corpus = "text.txt" }

model m {
  forward(tokens: chars[B, T]) -> [B, T, chars.vocab_size] {
    x = embedding(tokens, 8)
    a = attention(x, x, x, causal = true)
    return linear(a, chars.vocab_size)
  }
}

#> error[wrong-rank]: `q` of `attention` needs [B, T, heads, head_dim], but this is [B, T, 8].
#>   ┌─ wrong-rank.elm:6:19
#> 6 │     a = attention(x, x, x, causal = true)
#>   │                   ^
