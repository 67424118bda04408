tokenizer chars { kind = char   corpus = "text.txt" }

model m {
  n_embd     = 8
  block_size = 64
  forward(tokens: chars[B, T]) -> [B, T, chars.vocab_size] {
    x = embedding(tokens, n_embd)
    return linear(x, chars.vocab_size)
  }
}

#> error[unknown-setting]: `model m` has no setting called `block_size`, and its equations use no such name.
#>   ┌─ unknown-setting.elm:5:3
#> 5 │   block_size = 64
#>   │   ^^^^^^^^^^ here it is called `context_length`
#>   = help: replace by `context_length`
