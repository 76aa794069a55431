"""FirstToken: is that LLM API up, and how soon does it answer?"""

__version__ = "0.1.0"
