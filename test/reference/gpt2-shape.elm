# The shape of GPT-2 (124M), with random weights: a table of 50,257 rows is larger than one storage binding (128 MiB) on many devices.
# It is trained on one row of 64 tokens. The vocabulary is bytes and 50,001 ids in reserve, so that any text can be read.

tokenizer bytes  { kind = byte }
tokenizer pieces { kind = union   members = [bytes]   vocab_size = 50257 }

data lines { source = text("twin.txt") }

sequence passage(text: bytes) -> pieces {
  tokens = [predict(text)]
  rows   = window
}

block gpt_layer(x: [B, T, D], n_heads: int, residual: float) -> [B, T, D] {
  ln_1 = layernorm(x)
  s    = reshape(linear(ln_1, 3 * D, name = "attn.c_attn"), [B, T, 3, n_heads, D / n_heads])
  a    = attention(s[:, :, 0], s[:, :, 1], s[:, :, 2], causal = true)
  h    = x + linear(reshape(a, [B, T, D]), D, init = normal(residual), name = "attn.c_proj")
  ln_2 = layernorm(h)
  up   = gelu(linear(ln_2, 4 * D, name = "mlp.c_fc"))
  return h + linear(up, D, init = normal(residual), name = "mlp.c_proj")
}

model gpt2 {
  context_length = 64                                             # of the 1,024 positions, as many as are trained
  positions      = 1024
  dim            = 768
  n_layers       = 12
  n_heads        = 12
  residual       = 0.00408                                        # 0.02 / sqrt(2 * n_layers)

  forward(tokens: pieces[B, T]) -> [B, T, pieces.vocab_size] {
    wte = parameter([pieces.vocab_size, dim], init = normal(0.02), name = "wte.weight")
    wpe = parameter([positions, dim], init = normal(0.02), name = "wpe.weight")
    x = embedding(tokens, dim, weight = wte) + gather(wpe, tokens.position)
    repeat n_layers as i { x = gpt_layer(x, n_heads, residual, name = "h.{i}") }
    ln_f = layernorm(x)
    return linear(ln_f, pieces.vocab_size, weight = wte, bias = false)
  }
}

training {
  model         = gpt2
  examples      = passage(lines)
  batch_size    = 1
  max_steps     = 1
  optimizer     = adamw(betas = [0.9, 0.95], weight_decay = 0.1, decay = matrices)
  learning_rate = constant(3e-4)
  clip_norm     = 1.0
}

sampler continue {
  model          = gpt2
  sequence       = passage
  given          = { text = "\n" }
  temperature    = 0
  max_new_tokens = 16
}
