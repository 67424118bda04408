"""An independent Philox-4x32-10, checked against the published vectors, and a few more values made with it.

Published: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011), Random123's kat_vectors.
Out: philox.json beside this file: `published` and `more`, each [counter (4 words), key (2 words), result (4 words)].
"""

import json
import pathlib

MASK = 0xFFFFFFFF


def philox(counter, key, rounds=10):
    c, k = list(counter), list(key)
    for _ in range(rounds):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ k[0], b & MASK, (a >> 32) ^ c[3] ^ k[1], a & MASK]
        k = [(k[0] + 0x9E3779B9) & MASK, (k[1] + 0xBB67AE85) & MASK]
    return c


words = lambda s: [int(w, 16) for w in s.split()]
PUBLISHED = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


def main():
    published = [[words(x) for x in v] for v in PUBLISHED]
    for counter, key, result in published:
        assert philox(counter, key) == result, [f"{w:08x}" for w in philox(counter, key)]
    more = [[[i, lane, 0, tag], [seed, 0]] for seed in (0, 1, 20260101, MASK) for i, lane, tag in ((0, 0, 0), (1, 0, 1), (7, 3, 1), (65536, 1, 2))]
    more = [[c, k, philox(c, k)] for c, k in more]
    row = lambda v: "    " + json.dumps(v)
    text = "{\n" + ",\n".join(f'  "{n}": [\n' + ",\n".join(map(row, vs)) + "\n  ]" for n, vs in [("published", published), ("more", more)]) + "\n}\n"
    (pathlib.Path(__file__).parent / "philox.json").write_text(text)
    print(f"{len(published)} published vectors agree; {len(more)} more written")


if __name__ == "__main__":
    main()
