# A character-level GPT of today (rmsnorm, rotary positions) at the size and training of nanoGPT's CPU recipe. README.md tells where the text is.

tokenizer chars { kind = char   corpus = "tinyshakespeare.txt" }

data plays {
  source = text("tinyshakespeare.txt")
  split  = { train = 0.9, val = 0.1 }
}

sequence passage(text: chars) -> chars {
  tokens = [predict(text)]
  rows   = window                          # one long text: rows are cut from it at random places
}

block decoder_layer(x: [B, T, D], n_heads: int) -> [B, T, D] {
  head_dim = D / n_heads
  n = rmsnorm(x)
  q = reshape(linear(n, D), [B, T, n_heads, head_dim])
  k = reshape(linear(n, D), [B, T, n_heads, head_dim])
  v = reshape(linear(n, D), [B, T, n_heads, head_dim])
  a = attention(rope(q), rope(k), v, causal = true)
  h = x + linear(reshape(a, [B, T, D]), D)
  return h + linear(gelu(linear(rmsnorm(h), 4 * D)), D)
}

model gpt {
  context_length = 64
  dim            = 128
  n_layers       = 4
  n_heads        = 4

  forward(tokens: chars[B, T]) -> [B, T, chars.vocab_size] {
    x = embedding(tokens, dim)
    repeat n_layers { x = decoder_layer(x, n_heads) }
    return linear(rmsnorm(x), chars.vocab_size, bias = false)
  }
}

training {
  model         = gpt
  examples      = passage(plays)
  batch_size    = 12
  max_steps     = 2000
  optimizer     = adamw(betas = [0.9, 0.99], weight_decay = 0.1)
  learning_rate = cosine(peak = 1e-3, floor = 1e-4, warmup = 100)
  clip_norm     = 1.0
}

sampler playwright {
  model          = gpt
  sequence       = passage
  given          = { text = "\n" }         # something must stand before the first drawn token
  temperature    = 0.8
  top_k          = 200
  max_new_tokens = 500
}
