"""Writes a Llama of random weights with its tokenizer into the directory that it is given; run by setup."""

import sys

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

SEED = 20261121
TEXT = "one two three four five six seven eight nine ten"
UNKNOWN, START, END = "<unk>", "<s>", "</s>"

directory = sys.argv[1]
words = Tokenizer(models.BPE(unk_token=UNKNOWN))
words.pre_tokenizer = pre_tokenizers.ByteLevel()
words.decoder = decoders.ByteLevel()
alphabet = pre_tokenizers.ByteLevel.alphabet()
words.train_from_iterator(
    [TEXT], trainers.BpeTrainer(special_tokens=[UNKNOWN, START, END], initial_alphabet=alphabet)
)
tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, unk_token=UNKNOWN, bos_token=START, eos_token=END)
tokenizer.chat_template = "{% for message in messages %}{{ message.content }}\n{% endfor %}"
tokenizer.save_pretrained(directory)
torch.manual_seed(SEED)
LlamaForCausalLM(
    LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=2048,
        bos_token_id=1,
        eos_token_id=2,
    )
).save_pretrained(directory)
