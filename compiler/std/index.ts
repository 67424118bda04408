// The standard blocks as text, so that the compiler needs no disk. Made from std.elm: `UPDATE=1 npx vitest run test/check/std.test.ts`.

export const std: string = `# The standard blocks, in the language. \`parameter\` is the only thing that makes a parameter; everything below is ordinary.

block linear(x: [..., D], out: int, bias: bool = true, init: word = normal(0.02),
             weight: [out, D] = parameter([out, D], init = init)) -> [..., out] {
  y = matmul(x, transpose(weight, [1, 0]))
  return if bias then y + parameter([out], init = zeros, name = "bias") else y
}

block embedding(ids: token[...], dim: int, init: word = normal(0.02),
                weight: [ids.vocab_size, dim] = parameter([ids.vocab_size, dim], init = init)) -> [..., dim] {
  return gather(weight, ids)
}

block rmsnorm(x: [..., D], eps: float = 1e-6, offset: float = 0) -> [..., D] {
  weight = parameter([D], init = if offset == 0 then ones else zeros)
  return x * rsqrt(mean(x * x, axis = -1, keep = true) + eps) * (offset + weight)
}

block layernorm(x: [..., D], eps: float = 1e-5, bias: bool = true) -> [..., D] {
  c = x - mean(x, axis = -1, keep = true)
  y = c * rsqrt(mean(c * c, axis = -1, keep = true) + eps) * parameter([D], init = ones, name = "weight")
  return if bias then y + parameter([D], init = zeros, name = "bias") else y
}

block group_norm(x: [B, C, H, W], groups: int = 32, eps: float = 1e-6) -> [B, C, H, W] {
  g = reshape(x, [B, groups, C / groups * H * W])
  c = g - mean(g, axis = -1, keep = true)
  n = reshape(c * rsqrt(mean(c * c, axis = -1, keep = true) + eps), [B, C, H, W])
  weight = parameter([C], init = ones)
  bias   = parameter([C], init = zeros)
  return n * reshape(weight, [C, 1, 1]) + reshape(bias, [C, 1, 1])
}

# \`running\` is its argument while training, and keeps an average of \`stored\`; everywhere else it is that average.
block batch_norm(x: [B, C, H, W], eps: float = 1e-5, momentum: float = 0.1) -> [B, C, H, W] {
  weight = parameter([C], init = ones)
  bias   = parameter([C], init = zeros)
  m = mean(x, axis = [0, 2, 3])
  v = mean(x * x, axis = [0, 2, 3]) - m * m
  n = B * H * W
  running_mean = running(m, init = zeros, momentum = momentum)
  running_var  = running(v, init = ones, momentum = momentum, stored = v * n / (n - 1))
  c = (x - reshape(running_mean, [C, 1, 1])) * reshape(rsqrt(running_var + eps), [C, 1, 1])
  return c * reshape(weight, [C, 1, 1]) + reshape(bias, [C, 1, 1])
}

block conv2d(x: [B, C, H, W], channels: int, kernel: int = 3, stride: int = 1, padding: list = same, bias: bool = true,
             init: word = fan_in, weight: [channels, C, kernel, kernel] = parameter([channels, C, kernel, kernel], init = init))
             -> [B, channels, Y, X] {
  y = convolve(x, weight, stride = stride, padding = padding)
  return if bias then y + reshape(parameter([channels], init = zeros, name = "bias"), [channels, 1, 1]) else y
}

# Rotary positions. \`rope\` counts along the rows of its input; with tables of one's own, use \`rotate\`.
block frequencies(n: int, base: float = 10000) -> [n] {
  return exp(-log(base) * range(n) / n)
}

block rope(x: [B, T, H, D], base: float = 10000, pairs: word = halves) -> [B, T, H, D] {
  angle = outer(x.position, frequencies(D / 2, base))
  return rotate(x, cos(angle), sin(angle), pairs = pairs)
}
`;
