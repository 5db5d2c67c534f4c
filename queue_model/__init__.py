"""The model of the service: what theory says exactly, what simulation says, and how many people are needed when.

    theory      formulas and exact calculations       planning    staffing, rota, assignment
    scenario    the scenario file and its checks      fitting     scenarios from logs, forecasts
    random      streams of random numbers             reports     results as pages and tables
    simulation  the two engines and their inputs      commands    `queue-model ...`
    runs        replications, comparisons, sweeps

Times are seconds, rates calls per second, loads erlangs, shares 0 to 1, unless a docstring says otherwise.
`docs/mechanisms.md` gives every formula with its source.
"""
