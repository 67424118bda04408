tokenizer chars { kind = char   corpus = "text.txt" }

model m {
  forward(tokens: chars[B, T]) -> [B, T, chars.vocab_size] {
    x = embedding(tokens, 8)
    return linear(x, chars.vocab_size)
  }
}

mm.context_length = 64

#> error[unknown-target]: `mm.context_length` names no setting of a section.
#>    ┌─ unknown-target.elm:10:1
#> 10 │ mm.context_length = 64
#>    │ ^^^^^^^^^^^^^^^^^
#>    = A line `section.setting = value` sets a setting of a section of this file or an import.
#>    = help: replace by `m`
