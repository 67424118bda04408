# The GPT of twins.py: layernorm, learned positions, gelu (tanh form), tied head, at sizes nothing divides.
# A step is five rows in micro-batches of 2 and 3: three rows each, of which the first one's third is padding (no predicted token).

tokenizer chars { kind = char   corpus = "twin.txt" }                          # 101 distinct characters

data lines { source = text("twin.txt") }

sequence passage(text: chars) -> chars {
  tokens = [predict(text)]
  rows   = window
}

block gpt_layer(x: [B, T, D], n_heads: int, hidden: int) -> [B, T, D] {
  ln_1 = layernorm(x)
  s    = reshape(linear(ln_1, 3 * D, name = "attn.c_attn"), [B, T, 3, n_heads, D / n_heads])
  a    = attention(s[:, :, 0], s[:, :, 1], s[:, :, 2], causal = true)
  h    = x + linear(reshape(a, [B, T, D]), D, name = "attn.c_proj")
  ln_2 = layernorm(h)
  up   = gelu(linear(ln_2, hidden, name = "mlp.c_fc"))
  return h + linear(up, D, name = "mlp.c_proj")
}

model gpt {
  context_length = 37
  dim            = 54
  n_layers       = 2
  n_heads        = 6
  hidden         = 131

  forward(tokens: chars[B, T]) -> [B, T, chars.vocab_size] {
    wte = parameter([chars.vocab_size, dim], init = normal(0.02), name = "wte.weight")
    wpe = parameter([context_length, dim], init = normal(0.02), name = "wpe.weight")
    x = embedding(tokens, dim, weight = wte) + gather(wpe, tokens.position)
    repeat n_layers as i { x = gpt_layer(x, n_heads, hidden, name = "h.{i}") }
    ln_f = layernorm(x)
    return linear(ln_f, chars.vocab_size, weight = wte, bias = false)
  }
}

training {
  model         = gpt
  examples      = passage(lines)
  batch_size    = 3
  accumulate    = 2
  max_steps     = 20
  optimizer     = adamw(betas = [0.9, 0.95], eps = 1e-8, weight_decay = 0.1, decay = matrices)
  learning_rate = cosine(peak = 3e-3, floor = 3e-4, warmup = 5)
  clip_norm     = 0.75
}

sampler continue {
  model          = gpt
  sequence       = passage
  given          = { text = "\n" }
  temperature    = 0
  max_new_tokens = 32
}
