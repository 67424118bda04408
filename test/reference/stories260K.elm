# The architecture of stories260K (karpathy/tinyllamas): LLaMA at 64 channels, 8 query heads of 8 on 4 key-value heads, tied table.
# Names are those of stories260K.safetensors. Its vocabulary of 512 pieces stands here as a list of labels: this file works on ids.

tokenizer pieces { kind = label   classes = 512 }

sequence story(text: pieces[N]) -> pieces {
  tokens = [predict(text)]
}

block llama_layer(x: [B, T, D], n_heads: int, n_kv_heads: int, hidden: int) -> [B, T, D] {
  head_dim = D / n_heads
  attn_norm = rmsnorm(x, eps = 1e-5)
  q = reshape(linear(attn_norm, D, bias = false, name = "attn_q"), [B, T, n_heads, head_dim])
  k = reshape(linear(attn_norm, n_kv_heads * head_dim, bias = false, name = "attn_k"), [B, T, n_kv_heads, head_dim])
  v = reshape(linear(attn_norm, n_kv_heads * head_dim, bias = false, name = "attn_v"), [B, T, n_kv_heads, head_dim])
  a = attention(rope(q, pairs = adjacent), rope(k, pairs = adjacent), v, causal = true)
  h = x + linear(reshape(a, [B, T, D]), D, bias = false, name = "attn_output")
  ffn_norm = rmsnorm(h, eps = 1e-5)
  gate = linear(ffn_norm, hidden, bias = false, name = "ffn_gate")
  up   = linear(ffn_norm, hidden, bias = false, name = "ffn_up")
  return h + linear(silu(gate) * up, D, bias = false, name = "ffn_down")
}

model stories {
  context_length = 512
  dim            = 64
  n_layers       = 5
  n_heads        = 8
  n_kv_heads     = 4
  hidden         = 172
  weights        = load("stories260K.safetensors")

  forward(tokens: pieces[B, T]) -> [B, T, pieces.vocab_size] {
    table = parameter([pieces.vocab_size, dim], init = normal(0.02), name = "token_embd.weight")
    x = embedding(tokens, dim, weight = table)
    repeat n_layers as i { x = llama_layer(x, n_heads, n_kv_heads, hidden, name = "blk.{i}") }
    output_norm = rmsnorm(x, eps = 1e-5)
    return linear(output_norm, pieces.vocab_size, weight = table, bias = false)
  }
}

sampler continue {
  model          = stories
  sequence       = story
  temperature    = 0
  max_new_tokens = 200
}
