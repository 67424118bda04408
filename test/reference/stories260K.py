"""Which rotary pairs and which grouping stories260K was trained with, found by computing its golden ids in float64.

In: a folder with stories260K.safetensors and stories260K-golden.json (argument). Out: printed only. No cache: each step
reads the whole text so far, so this is also the reference for `cached = uncached`.
"""

import json
import pathlib
import sys

import numpy as np
from safetensors.numpy import load_file


def rope(x, pairs):  # [T, H, D]
    T, _, D = x.shape
    angle = np.arange(T)[:, None] * 10000.0 ** (-np.arange(D // 2) / (D // 2))
    c, s = np.cos(angle)[:, None], np.sin(angle)[:, None]
    i, j = (slice(0, D, 2), slice(1, D, 2)) if pairs == "adjacent" else (slice(0, D // 2), slice(D // 2, D))
    y = np.empty_like(x)
    y[..., i], y[..., j] = x[..., i] * c - x[..., j] * s, x[..., j] * c + x[..., i] * s
    return y


def forward(w, ids, pairs, eps=1e-5, heads=8, groups=4):
    norm = lambda x, n: x / np.sqrt((x * x).mean(-1, keepdims=True) + eps) * w[n]
    T = len(ids)
    x = w["token_embd.weight"][ids]
    for b in range(5):
        p = f"blk.{b}."
        n = norm(x, p + "attn_norm.weight")
        q, k, v = (n @ w[f"{p}attn_{t}.weight"].T for t in "qkv")
        q, k = rope(q.reshape(T, heads, -1), pairs), rope(k.reshape(T, groups, -1), pairs)
        v = v.reshape(T, groups, -1)
        k, v = np.repeat(k, heads // groups, 1), np.repeat(v, heads // groups, 1)
        a = np.einsum("ihd,jhd->hij", q, k) / np.sqrt(q.shape[2])
        a = np.where(np.tri(T) > 0, a, -np.inf)
        a = np.exp(a - a.max(-1, keepdims=True))
        a /= a.sum(-1, keepdims=True)
        x = x + np.einsum("hij,jhd->ihd", a, v).reshape(T, -1) @ w[p + "attn_output.weight"].T
        n = norm(x, p + "ffn_norm.weight")
        g = n @ w[p + "ffn_gate.weight"].T
        x = x + (g / (1 + np.exp(-g)) * (n @ w[p + "ffn_up.weight"].T)) @ w[p + "ffn_down.weight"].T
    return norm(x, "output_norm.weight") @ w["token_embd.weight"].T


def main():
    folder = pathlib.Path(sys.argv[1])
    w = {n: x.astype(np.float64) for n, x in load_file(folder / "stories260K.safetensors").items()}
    golden = json.loads((folder / "stories260K-golden.json").read_text())
    ids, first = golden["greedyFromBOS"], np.array(golden["logitsFirst3"])
    for pairs in ["adjacent", "halves"]:
        # teacher-forced over the golden ids: greedy agrees everywhere if and only if every argmax does
        logits = forward(w, np.array(ids[:-1]), pairs)
        right = (logits.argmax(-1) == np.array(ids[1:])).sum()
        top = np.sort(logits, -1)
        print(f"{pairs}: {right} of {len(ids) - 1} ids, first logits differ by up to {np.abs(logits[:3] - first).max():.1e}, smallest gap {(top[:, -1] - top[:, -2]).min():.4f}")


if __name__ == "__main__":
    main()
