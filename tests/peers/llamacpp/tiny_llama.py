"""Writes a Llama of a few megabytes with random weights: real inference, senseless text, the same for each run.

Runs in the environment which tests/peers/setup makes, not in that of the tests. Usage: tiny_llama.py FILE
"""

import sys

import gguf
import numpy as np

SEED = 20261121
LAYERS, HEADS, WIDTH, INNER, CONTEXT = 4, 8, 256, 704, 2048
NUMBERS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant:{% endif %}"
)


def vocabulary() -> tuple[list[str], list[gguf.TokenType]]:
    """Control tokens, one token for each byte, so that every prompt can be read, and some words."""
    syllables = [a + b for a in "bdfgklmnprstvz" for b in "aeiou"]
    words = NUMBERS + [first + second for first in syllables[:14] for second in syllables[14:54]]
    control = {"<unk>": gguf.TokenType.UNKNOWN, "<s>": gguf.TokenType.CONTROL, "</s>": gguf.TokenType.CONTROL}
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    tokens = [
        *control,
        *(f"<0x{byte:02X}>" for byte in range(256)),
        "▁",
        *letters,
        *(f"▁{word}" for word in words),
    ]
    types = [*control.values(), *[gguf.TokenType.BYTE] * 256]
    return tokens, types + [gguf.TokenType.NORMAL] * (len(tokens) - len(types))


def describe(writer: gguf.GGUFWriter, tokens: list[str], types: list[gguf.TokenType]) -> None:
    writer.add_name("FirstToken tiny random Llama")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([-float(index) for index in range(len(tokens))])
    writer.add_token_types(types)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_chat_template(CHAT_TEMPLATE)


def fill(writer: gguf.GGUFWriter, tokens: list[str]) -> None:
    random = np.random.default_rng(SEED)

    def add(name: str, *shape: int) -> None:
        weights = random.standard_normal(shape, dtype=np.float32) / np.sqrt(shape[-1], dtype=np.float32)
        writer.add_tensor(name, weights)

    add("token_embd.weight", len(tokens), WIDTH)
    for layer in range(LAYERS):
        block = f"blk.{layer}"
        writer.add_tensor(f"{block}.attn_norm.weight", np.ones(WIDTH, dtype=np.float32))
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            add(f"{block}.{part}.weight", WIDTH, WIDTH)
        writer.add_tensor(f"{block}.ffn_norm.weight", np.ones(WIDTH, dtype=np.float32))
        add(f"{block}.ffn_gate.weight", INNER, WIDTH)
        add(f"{block}.ffn_up.weight", INNER, WIDTH)
        add(f"{block}.ffn_down.weight", WIDTH, INNER)
    writer.add_tensor("output_norm.weight", np.ones(WIDTH, dtype=np.float32))

    # It speaks in whole words and never ends by itself: the other rows are zero, so that some word always outdoes them.
    output = random.standard_normal((len(tokens), WIDTH), dtype=np.float32)
    is_word = np.array([len(token) > 1 and token.startswith("▁") for token in tokens])
    writer.add_tensor("output.weight", output * is_word[:, None])


def main(path: str) -> None:
    tokens, types = vocabulary()
    writer = gguf.GGUFWriter(path, "llama")
    describe(writer, tokens, types)
    fill(writer, tokens)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main(sys.argv[1])
