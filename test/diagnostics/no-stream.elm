model m { forward(x: [B, T, 4]) -> [B, T, 4] { return x * 2 } }
tokenizer chars { kind = char   corpus = "text.txt" }

sequence passage(text: chars) -> chars { tokens = [predict(text)]   rows = window }
sampler s { model = m   sequence = passage }

#> error[no-stream]: `m` reads no `chars` tokens.
#>   ┌─ no-stream.elm:5:21
#> 5 │ sampler s { model = m   sequence = passage }
#>   │                     ^
