"""Exact results and approximations of queueing theory, one model for each module.

erlang         Erlang B and Erlang C                 priorities    classes of calls, the first served first
abandonment    callers give up: Erlang A, M/M/c+GI   retrial       callers dial again
deterministic  all calls equally long: M/D/c         transient     a day, by forward equations
general        handling of any law: M/G/1, M/G/c     offered_load  a day with unlimited agents
patience       laws of patience                      square_root   rules of thumb, with their theory
"""
