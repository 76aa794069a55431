"""Writes a tokenizer of whole words into the directory that it is given; run by the tools' own Python.

Both tools insist on one, and would fetch it from the net.
"""

import sys

from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

WORDS = (
    "<unk>",
    "<s>",
    "</s>",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
)

words = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token=WORDS[0]))
words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
PreTrainedTokenizerFast(
    tokenizer_object=words, unk_token=WORDS[0], bos_token=WORDS[1], eos_token=WORDS[2]
).save_pretrained(sys.argv[1])
