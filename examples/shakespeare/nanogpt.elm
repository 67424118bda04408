# nanoGPT's own architecture at its CPU recipe (config/train_shakespeare_char.py as its README runs it without a GPU).
# 804,096 parameters: 8,320 characters (tied with the head), 8,192 positions, 4 layers of 196,864, the last norm 128.
# nanoGPT prints 0.80M: it counts 795,904, without the positions. README.md tells where the text is.

tokenizer chars { kind = char   corpus = "tinyshakespeare.txt" }

data plays {
  source = text("tinyshakespeare.txt")
  split  = { train = 0.9, val = 0.1 }
}

sequence passage(text: chars) -> chars {
  tokens = [predict(text)]
  rows   = window
}

# No biases anywhere; the two projections that end on the residual stream start smaller.
block gpt_layer(x: [B, T, D], n_heads: int, residual: float) -> [B, T, D] {
  ln_1 = layernorm(x, bias = false)
  s    = reshape(linear(ln_1, 3 * D, bias = false, name = "attn.c_attn"), [B, T, 3, n_heads, D / n_heads])
  a    = attention(s[:, :, 0], s[:, :, 1], s[:, :, 2], causal = true)
  h    = x + linear(reshape(a, [B, T, D]), D, bias = false, init = normal(residual), name = "attn.c_proj")
  ln_2 = layernorm(h, bias = false)
  up   = gelu(linear(ln_2, 4 * D, bias = false, name = "mlp.c_fc"), exact = true)
  return h + linear(up, D, bias = false, init = normal(residual), name = "mlp.c_proj")
}

model gpt {
  context_length = 64
  dim            = 128
  n_layers       = 4
  n_heads        = 4
  residual       = 0.00707107              # 0.02 / sqrt(2 * n_layers)

  forward(tokens: chars[B, T]) -> [B, T, chars.vocab_size] {
    wte = parameter([chars.vocab_size, dim], init = normal(0.02), name = "wte.weight")
    wpe = parameter([context_length, dim], init = normal(0.02), name = "wpe.weight")
    x = embedding(tokens, dim, weight = wte) + gather(wpe, tokens.position)
    repeat n_layers as i { x = gpt_layer(x, n_heads, residual, name = "h.{i}") }
    ln_f = layernorm(x, bias = false)
    return linear(ln_f, chars.vocab_size, weight = wte, bias = false)
  }
}

training {
  model         = gpt
  examples      = passage(plays)
  batch_size    = 12
  max_steps     = 2000
  optimizer     = adamw(betas = [0.9, 0.99], weight_decay = 0.1, decay = matrices)
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
