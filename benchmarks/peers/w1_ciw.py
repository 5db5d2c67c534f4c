"""W1 on Ciw: arrivals by interval, service the sum of two laws, reneging."""

from __future__ import annotations

import ciw
from w1_day import DAY, HALF_HOUR, PATIENCE, PROFILE, TALK_MU, TALK_SIGMA, WRAP, Counts, main, slot_of


def simulate(seats: int, days: int, seed: int) -> Counts:
    ciw.seed(seed)
    rates = [0.0] * 18 + [calls / HALF_HOUR for calls in PROFILE] + [0.0] * 12
    coming = ciw.dists.PoissonIntervals(
        rates=rates, endpoints=[HALF_HOUR * (slot + 1) for slot in range(len(rates))], max_sample_date=days * DAY
    )
    network = ciw.create_network(
        arrival_distributions=[coming],
        service_distributions=[ciw.dists.Lognormal(mean=TALK_MU, sd=TALK_SIGMA) + ciw.dists.Exponential(rate=1 / WRAP)],
        reneging_time_distributions=[ciw.dists.Exponential(rate=1 / PATIENCE)],
        number_of_servers=[seats],
    )
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_time(days * DAY)
    counts = Counts()
    for record in simulation.get_all_records():
        slot = slot_of(record.arrival_date)
        if record.record_type == "renege":
            counts.gave_up(slot, record.waiting_time)
        else:
            counts.answered(slot, record.waiting_time)
    return counts


main(simulate)
