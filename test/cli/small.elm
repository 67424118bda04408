# The smallest program that trains and writes: for tests of the command line.

tokenizer chars { kind = char   corpus = "fox.txt" }

data foxes {
  source = text("fox.txt")
  split  = { train = 0.8, val = 0.2 }
}

sequence line(text: chars) -> chars {
  tokens = [predict(text)]
  rows   = window
}

block layer(x: [B, T, D], n_heads: int) -> [B, T, D] {
  head_dim = D / n_heads
  n = rmsnorm(x)
  q = reshape(linear(n, D), [B, T, n_heads, head_dim])
  k = reshape(linear(n, D), [B, T, n_heads, head_dim])
  v = reshape(linear(n, D), [B, T, n_heads, head_dim])
  h = x + linear(reshape(attention(rope(q), rope(k), v, causal = true), [B, T, D]), D)
  return h + linear(gelu(linear(rmsnorm(h), 2 * D)), D)
}

model tiny {
  context_length = 16
  dim            = 16
  n_heads        = 2

  forward(tokens: chars[B, T]) -> [B, T, chars.vocab_size] {
    x = embedding(tokens, dim)
    repeat 2 { x = layer(x, n_heads) }
    return linear(rmsnorm(x), chars.vocab_size, bias = false)
  }
}

training {
  model          = tiny
  examples       = line(foxes)
  batch_size     = 8
  max_steps      = 12
  learning_rate  = cosine(peak = 1e-2, floor = 1e-3, warmup = 2)
  clip_norm      = 1.0
  evaluate_every = 6
}

sampler writer {
  model          = tiny
  sequence       = line
  given          = { text = "the " }
  temperature    = 0.8
  max_new_tokens = 40
}
