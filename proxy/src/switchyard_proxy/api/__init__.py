"""What the proxy answers by itself, one resource a file. Two of them ask others: `managers` passes on what a
manager says, and `token_counts` lets an engine that runs count words.
"""
