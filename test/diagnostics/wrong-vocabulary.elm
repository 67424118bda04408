tokenizer bytes { kind = byte }
block look(ids: bytes[B, T]) -> [B, T, 8] { return embedding(ids, 8) }

tokenizer chars { kind = char   corpus = "text.txt" }

model m {
  forward(tokens: chars[B, T]) -> [B, T, chars.vocab_size] {
    x = look(tokens)
    return linear(x, chars.vocab_size)
  }
}

#> error[wrong-vocabulary]: `bytes` tokens are read here, but `chars` tokens are given.
#>   ┌─ wrong-vocabulary.elm:8:14
#> 2 │ block look(ids: bytes[B, T]) -> [B, T, 8] { return embedding(ids, 8) }
#>   │                 ----------- `ids`, from the signature
#>   ·
#> 8 │     x = look(tokens)
#>   │              ^^^^^^
