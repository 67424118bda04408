# The LLaMA of twins.py: rmsnorm, rope (halves), 6 query heads of 10 on 2 key-value heads, swiglu, untied head, no biases.
# A step is five rows in micro-batches of 2 and 3: three rows each, of which the first one's third is padding (no predicted token).

tokenizer chars { kind = char   corpus = "twin.txt" }                          # 101 distinct characters

data lines { source = text("twin.txt") }

sequence passage(text: chars) -> chars {
  tokens = [predict(text)]
  rows   = window
}

block llama_layer(x: [B, T, D], n_heads: int, n_kv_heads: int, head_dim: int, hidden: int) -> [B, T, D] {
  input_layernorm = rmsnorm(x)
  q = reshape(linear(input_layernorm, n_heads * head_dim, bias = false, name = "self_attn.q_proj"), [B, T, n_heads, head_dim])
  k = reshape(linear(input_layernorm, n_kv_heads * head_dim, bias = false, name = "self_attn.k_proj"), [B, T, n_kv_heads, head_dim])
  v = reshape(linear(input_layernorm, n_kv_heads * head_dim, bias = false, name = "self_attn.v_proj"), [B, T, n_kv_heads, head_dim])
  a = attention(rope(q), rope(k), v, causal = true)
  h = x + linear(reshape(a, [B, T, n_heads * head_dim]), D, bias = false, name = "self_attn.o_proj")
  post_attention_layernorm = rmsnorm(h)
  gate = linear(post_attention_layernorm, hidden, bias = false, name = "mlp.gate_proj")
  up   = linear(post_attention_layernorm, hidden, bias = false, name = "mlp.up_proj")
  return h + linear(silu(gate) * up, D, bias = false, name = "mlp.down_proj")
}

model llama {
  context_length = 37
  dim            = 54
  n_layers       = 2
  n_heads        = 6
  n_kv_heads     = 2
  head_dim       = 10
  hidden         = 71

  forward(tokens: chars[B, T]) -> [B, T, chars.vocab_size] {
    x = embedding(tokens, dim, name = "model.embed_tokens")
    repeat n_layers as i { x = llama_layer(x, n_heads, n_kv_heads, head_dim, hidden, name = "model.layers.{i}") }
    norm = rmsnorm(x, name = "model.norm")
    return linear(norm, chars.vocab_size, bias = false, name = "lm_head")
  }
}

training {
  model         = llama
  examples      = passage(lines)
  batch_size    = 3
  accumulate    = 2
  max_steps     = 20
  optimizer     = adamw(betas = [0.9, 0.95], eps = 1e-8, weight_decay = 0.1, decay = all)
  learning_rate = cosine(peak = 3e-3, floor = 3e-4, warmup = 5)
  clip_norm     = 1.0
}

sampler continue {
  model          = llama
  sequence       = passage
  given          = { text = "\n" }
  temperature    = 0
  max_new_tokens = 32
}
