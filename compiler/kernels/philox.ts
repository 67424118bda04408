// Philox-4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011) as WGSL: a pure function of counter and key, so
// that a number depends on seed, step, place and element only, never on the order in which lanes run.

/** Second key words, one a use ("ulum", "samp" in ASCII): two uses never share a stream. */
export const uniformKey = 0x756c6d75;
export const sampleKey = 0x73616d70;

/** `philox(counter, key) -> vec4u` and `unit(word) -> f32` in [0, 1): the top 24 bits. Module scope; also `mul_hi(a, b)`, the high word of a product. */
export const philoxText = `fn mul_hi(a: u32, b: u32) -> u32 {
  let al = a & 0xffffu; let ah = a >> 16u; let bl = b & 0xffffu; let bh = b >> 16u;
  let mid = ah * bl + ((al * bl) >> 16u);
  let low = al * bh + (mid & 0xffffu);
  return ah * bh + (mid >> 16u) + (low >> 16u);
}
fn philox(counter: vec4u, key: vec2u) -> vec4u {
  var c = counter; var k = key;
  for (var i = 0u; i < 10u; i++) {
    let h0 = mul_hi(0xd2511f53u, c.x); let h1 = mul_hi(0xcd9e8d57u, c.z);
    c = vec4u(h1 ^ c.y ^ k.x, 0xcd9e8d57u * c.z, h0 ^ c.w ^ k.y, 0xd2511f53u * c.x);
    k += vec2u(0x9e3779b9u, 0xbb67ae85u);
  }
  return c;
}
fn unit(word: u32) -> f32 { return f32(word >> 8u) * 5.9604644775390625e-8f; }
`;
