"""The nouns: wallets, grants, holds, transactions, payments, keys, money."""
