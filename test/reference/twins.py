"""Reference values for two small models, computed with PyTorch: a GPT and a LLaMA at sizes nothing divides.

Out (beside this file): twin.txt (the corpus: exactly 101 distinct characters), twins.json (batches, losses, norms,
rates), and for each twin gpt|llama: NAME-weights.safetensors (step 0), NAME-gradient-1.safetensors and
NAME-gradient-20.safetensors (before clipping). Weights are f32 numbers; everything after them is computed in f64 and
rounded to f32 only when a tensor is stored. The same run in f32 is made too and its distance printed: what rounding costs.

    python -m venv venv && venv/bin/pip install torch numpy safetensors && venv/bin/python test/reference/twins.py
"""

import json
import math
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).parent
DIM, CONTEXT, VOCAB, BATCH, MICRO, LAYERS = 54, 37, 101, 5, [2, 3], 2
STEPS, WARMUP, PEAK, FLOOR, DECAY, BETAS, EPS = 20, 5, 3e-3, 3e-4, 0.1, (0.9, 0.95), 1e-8

TWINS = {
    # A clip that bites in most steps but not in all: in all, Adam would undo any factor and its value would not matter.
    # 6 heads of 9; decay of matrices only
    "gpt": dict(n_heads=6, hidden=131, decay="matrices", clip=0.75),
    # 6 query heads of 10 on 2 key-value heads; decay of all parameters
    "llama": dict(n_heads=6, n_kv_heads=2, head_dim=10, hidden=71, decay="all", clip=1.0),
}


# ---- data: a sparse Markov chain over 101 characters, so that there is something to learn ----

# 96 of ASCII (line feed, then space to tilde), two of Latin-1, one Greek, one CJK, one outside the basic plane
ALPHABET = sorted(["\n", *map(chr, range(32, 127)), "é", "ß", "Ω", "日", "🌳"])


def chain(rng, n):
    order = rng.permutation(VOCAB)
    common = np.empty(VOCAB)
    common[order] = 1 / np.arange(1, VOCAB + 1)
    common /= common.sum()
    follow = rng.integers(0, VOCAB, size=(VOCAB, 3))
    ids, state = [], 0
    for _ in range(n):
        u = rng.random()
        if u < 0.5:
            state = int(follow[state, 0 if u < 0.3 else 1 if u < 0.43 else 2])
        else:
            state = int(rng.choice(VOCAB, p=common))
        ids.append(state)
    return ids


def make_data():
    rng = np.random.default_rng(20)
    n = STEPS * BATCH * (CONTEXT + 1)
    ids = chain(rng, n)
    missing = sorted(set(range(VOCAB)) - set(ids))
    text = "".join(ALPHABET[i] for i in ids + missing)
    assert len(set(text)) == len(ALPHABET) == VOCAB
    (HERE / "twin.txt").write_bytes(text.encode())
    batches = np.array(ids).reshape(STEPS, BATCH, CONTEXT + 1)
    # the first `skip` targets of a row are not predicted: weight 0
    skip = rng.integers(0, 13, size=(STEPS, BATCH)) * (rng.random((STEPS, BATCH)) < 0.6)
    weights = (np.arange(CONTEXT)[None, None, :] >= skip[:, :, None]).astype(int)
    return batches, skip, weights


# ---- models: plain functions of a dict of tensors ----


def attend(q, k, v):  # [B, T, H, D], [B, T, G, D]: query head h reads group floor(h G / H)
    r = q.shape[2] // k.shape[2]
    q, k, v = q.transpose(1, 2), k.transpose(1, 2).repeat_interleave(r, 1), v.transpose(1, 2).repeat_interleave(r, 1)
    return F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2)


def gpt_shapes(c):
    yield "wte.weight", (VOCAB, DIM)
    yield "wpe.weight", (CONTEXT, DIM)
    for i in range(LAYERS):
        for n in ["ln_1", "ln_2"]:
            yield f"h.{i}.{n}.weight", (DIM,)
            yield f"h.{i}.{n}.bias", (DIM,)
        for n, o, k in [("attn.c_attn", 3 * DIM, DIM), ("attn.c_proj", DIM, DIM), ("mlp.c_fc", c["hidden"], DIM), ("mlp.c_proj", DIM, c["hidden"])]:
            yield f"h.{i}.{n}.weight", (o, k)
            yield f"h.{i}.{n}.bias", (o,)
    yield "ln_f.weight", (DIM,)
    yield "ln_f.bias", (DIM,)


def gpt(w, c, ids):
    linear = lambda x, n: F.linear(x, w[n + ".weight"], w[n + ".bias"])
    norm = lambda x, n: F.layer_norm(x, (DIM,), w[n + ".weight"], w[n + ".bias"], 1e-5)
    B, T = ids.shape
    x = F.embedding(ids, w["wte.weight"]) + w["wpe.weight"][:T]
    for i in range(LAYERS):
        p = f"h.{i}."
        q, k, v = linear(norm(x, p + "ln_1"), p + "attn.c_attn").view(B, T, 3, c["n_heads"], -1).unbind(2)
        x = x + linear(attend(q, k, v), p + "attn.c_proj")
        x = x + linear(F.gelu(linear(norm(x, p + "ln_2"), p + "mlp.c_fc"), approximate="tanh"), p + "mlp.c_proj")
    return F.linear(norm(x, "ln_f"), w["wte.weight"])


def llama_shapes(c):
    yield "model.embed_tokens.weight", (VOCAB, DIM)
    q, kv = c["n_heads"] * c["head_dim"], c["n_kv_heads"] * c["head_dim"]
    for i in range(LAYERS):
        p = f"model.layers.{i}."
        yield p + "input_layernorm.weight", (DIM,)
        yield p + "self_attn.q_proj.weight", (q, DIM)
        yield p + "self_attn.k_proj.weight", (kv, DIM)
        yield p + "self_attn.v_proj.weight", (kv, DIM)
        yield p + "self_attn.o_proj.weight", (DIM, q)
        yield p + "post_attention_layernorm.weight", (DIM,)
        yield p + "mlp.gate_proj.weight", (c["hidden"], DIM)
        yield p + "mlp.up_proj.weight", (c["hidden"], DIM)
        yield p + "mlp.down_proj.weight", (DIM, c["hidden"])
    yield "model.norm.weight", (DIM,)
    yield "lm_head.weight", (VOCAB, DIM)


def rope(x):  # [B, T, H, D]: channel i turns with i + D/2
    D, T = x.shape[3], x.shape[1]
    angle = torch.arange(T, dtype=torch.float64)[:, None] * 10000 ** (-torch.arange(D // 2, dtype=torch.float64) / (D // 2))
    cos, sin = angle.cos().to(x)[None, :, None], angle.sin().to(x)[None, :, None]
    a, b = x[..., : D // 2], x[..., D // 2 :]
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


def llama(w, c, ids):
    linear = lambda x, n: F.linear(x, w[n + ".weight"])
    norm = lambda x, n: x * (x.pow(2).mean(-1, keepdim=True) + 1e-6).rsqrt() * w[n + ".weight"]
    B, T = ids.shape
    x = F.embedding(ids, w["model.embed_tokens.weight"])
    for i in range(LAYERS):
        p = f"model.layers.{i}."
        n = norm(x, p + "input_layernorm")
        q, k, v = (linear(n, f"{p}self_attn.{t}_proj").view(B, T, -1, c["head_dim"]) for t in "qkv")
        x = x + linear(attend(rope(q), rope(k), v), p + "self_attn.o_proj")
        n = norm(x, p + "post_attention_layernorm")
        x = x + linear(F.silu(linear(n, p + "mlp.gate_proj")) * linear(n, p + "mlp.up_proj"), p + "mlp.down_proj")
    return linear(norm(x, "model.norm"), "lm_head")


MODELS = {"gpt": (gpt_shapes, gpt), "llama": (llama_shapes, llama)}


def make_weights(name, seed):
    """Away from every special value: norms near but not 1, biases not 0, large enough for attention to be uneven."""
    rng = np.random.default_rng(seed)
    out = {}
    for n, shape in MODELS[name][0](TWINS[name]):
        x = rng.standard_normal(shape)
        if len(shape) == 2:
            x = x * 0.12
        elif n.endswith("weight"):
            x = 1 + 0.1 * x
        else:
            x = 0.05 * x
        out[n] = x.astype(np.float32)
    return out


# ---- training ----


def rate(s):  # s = 0, 1, ...
    if s < WARMUP:
        return PEAK * (s + 1) / WARMUP
    return FLOOR + (PEAK - FLOOR) * 0.5 * (1 + math.cos(math.pi * (s - WARMUP) / (STEPS - WARMUP)))


def train(name, weights, batches, predicted, dtype):
    c, forward = TWINS[name], MODELS[name][1]
    w = {n: torch.tensor(x, dtype=dtype, requires_grad=True) for n, x in weights.items()}
    decays = lambda p: c["decay"] == "all" or p.dim() >= 2
    optimizer = torch.optim.AdamW(
        [
            {"params": [p for p in w.values() if decays(p)], "weight_decay": DECAY},
            {"params": [p for p in w.values() if not decays(p)], "weight_decay": 0.0},
        ],
        betas=BETAS,
        eps=EPS,
        foreach=False,
    )
    losses, norms, gradients = [], [], {}
    for s in range(STEPS):
        optimizer.zero_grad()
        total, loss, first = predicted[s].sum(), 0.0, 0
        for n in MICRO:
            ids = torch.tensor(batches[s, first : first + n])
            mask = torch.tensor(predicted[s, first : first + n], dtype=dtype)
            logits = forward(w, c, ids[:, :-1])
            part = (F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten(), reduction="none") * mask.flatten()).sum() / total
            part.backward()
            loss += part.item()
            first += n
        if s + 1 in (1, STEPS):
            gradients[s + 1] = {n: p.grad.to(torch.float64).numpy().copy() for n, p in w.items()}
        norms.append(torch.nn.utils.clip_grad_norm_(w.values(), c["clip"], foreach=False).item())
        for g in optimizer.param_groups:
            g["lr"] = rate(s)
        optimizer.step()
        losses.append(loss)
    return losses, norms, gradients


def main():
    torch.set_num_threads(1)
    batches, skip, predicted = make_data()
    # equal within 1e-15 on every machine and stored with 12 digits
    digits = lambda xs: [float(f"{x:.12g}") for x in xs]
    out = {
        "dim": DIM, "context": CONTEXT, "vocabulary": VOCAB, "layers": LAYERS, "microBatches": MICRO, "steps": STEPS, "warmup": WARMUP, "peak": PEAK,
        "floor": FLOOR, "weightDecay": DECAY, "betas": list(BETAS), "eps": EPS, "rates": digits(map(rate, range(STEPS))),
        "unpredicted": skip.tolist(), "batches": batches.tolist(), "twins": {},
    }  # fmt: skip
    for seed, name in enumerate(TWINS):
        weights = make_weights(name, 540 + seed)
        losses, norms, gradients = train(name, weights, batches, predicted, torch.float64)
        losses32, _, gradients32 = train(name, weights, batches, predicted, torch.float32)
        save_file(weights, HERE / f"{name}-weights.safetensors")
        for s, g in gradients.items():
            save_file({n: x.astype(np.float32) for n, x in g.items()}, HERE / f"{name}-gradient-{s}.safetensors")
        c = TWINS[name]
        out["twins"][name] = {**c, "losses": digits(losses), "gradientNorms": digits(norms)}
        bites = sum(c["clip"] / (n + 1e-6) < 1 for n in norms)
        print(f"{name}: {sum(x.size for x in weights.values())} parameters, loss {losses[0]:.4f} -> {losses[-1]:.4f} ({100 * (1 - losses[-1] / losses[0]):.1f} % less)")
        print(f"  gradient norms {min(norms):.3f} to {max(norms):.3f}, clip {c['clip']} bites in {bites} of {STEPS} steps")
        print(f"  the same in f32: losses differ by up to {max(abs(a - b) / a for a, b in zip(losses, losses32)):.1e}")
        for s in gradients:
            d = {n: np.linalg.norm(gradients32[s][n] - x) / np.linalg.norm(x) for n, x in gradients[s].items()}
            n = max(d, key=d.get)
            print(f"  gradients at step {s}: by up to {d[n]:.1e} ({n}), smallest norm {min(np.linalg.norm(x) for x in gradients[s].values()):.1e}")
    for f in HERE.glob("*.safetensors"):
        f.chmod(0o644)
    (HERE / "twins.json").write_text(json.dumps(out, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
