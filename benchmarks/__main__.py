"""`python -m benchmarks [NAME...] [--quick]`: run all benchmarks or some, print the tables, write RESULTS.md."""

from __future__ import annotations

import argparse
import signal
import sys
import time

from benchmarks import (
    ami,
    fastagi,
    machine,
    model,
    process_start,
    queue_log,
    real_switch,
    registry_intake,
    registry_opening,
    registry_report,
    report,
)
from common.command_line import Refusal

BENCHMARKS = {
    "process_start": process_start.run,
    "fastagi": fastagi.run,
    "real_switch": real_switch.run,
    "ami": ami.run,
    "queue_log": queue_log.run,
    "registry_intake": registry_intake.run,
    "registry_opening": registry_opening.run,
    "registry_report": registry_report.run,
    "model": model.run,
}

QUIET_SECONDS = 600.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one or more of {', '.join(BENCHMARKS)}; all")
    parser.add_argument(
        "--quick", action="store_true", help="a short run of under two minutes; RESULTS.md is not written"
    )
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # end as with Ctrl-C: stop what was started
    unknown = set(options.names) - BENCHMARKS.keys()
    if unknown:
        parser.error(f"no benchmark named {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    if not options.quick:
        print("== waiting until the machine is quiet, at most ten minutes", flush=True)
    quiet = machine.wait_until_quiet(0 if options.quick else QUIET_SECONDS)
    print(f"   {quiet}", flush=True)
    failed = 0
    for name in options.names or BENCHMARKS:
        print(f"== {name}", flush=True)
        began = time.monotonic()
        try:
            section = BENCHMARKS[name](options.quick, quiet)
        except (Refusal, OSError, RuntimeError) as problem:
            print(f"   {name} could not be measured: {problem}", file=sys.stderr, flush=True)
            failed += 1
            continue
        print(f"\n{section.text()}\n   {time.monotonic() - began:.0f} s", flush=True)
        if not options.quick:
            report.write([section])
    if not options.quick:
        print(f"written: benchmarks/{report.RESULTS.name}")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("stopped, with all processes that were started")
