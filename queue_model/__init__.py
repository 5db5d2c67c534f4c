"""The model of the service: what theory says exactly, and (as the rooms are built) what simulation says.

    erlang         Erlang B and Erlang C                 priorities  who goes first, and what it costs the others
    abandonment    callers who give up: Erlang A, K, GI  retrial     callers who dial again
    deterministic  every call equally long: M/D/c        transient   the day as it goes: forward equations
    general        calls of any law: M/G/1, M/G/c        square_root rules of thumb, with their theory

Times are seconds, rates calls per second, loads erlangs, shares 0 to 1, unless a docstring says otherwise.
`docs/mechanisms.md` gives every formula with its source.
"""
