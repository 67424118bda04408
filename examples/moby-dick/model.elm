# A character model of Moby-Dick, small enough to train on a laptop's processor in two minutes.

tokenizer chars { kind = char   corpus = "moby-dick.txt" }

data book {
  source = text("moby-dick.txt")
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
  dim            = 96
  n_layers       = 3
  n_heads        = 3

  forward(tokens: chars[B, T]) -> [B, T, chars.vocab_size] {
    x = embedding(tokens, dim)
    repeat n_layers { x = decoder_layer(x, n_heads) }
    return linear(rmsnorm(x), chars.vocab_size, bias = false)
  }
}

training {
  model          = gpt
  examples       = passage(book)
  batch_size     = 16
  max_steps      = 300
  optimizer      = adamw(betas = [0.9, 0.99], weight_decay = 0.1)
  learning_rate  = cosine(peak = 3e-3, floor = 3e-4, warmup = 30)
  clip_norm      = 1.0
}

sampler narrator {
  model          = gpt
  sequence       = passage
  given          = { text = "Call me " }
  temperature    = 0.8
  top_k          = 40
  max_new_tokens = 500
}
