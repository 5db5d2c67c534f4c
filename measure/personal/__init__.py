"""Personal data in the switch's files, for `registry find`, `export`, `erase` and `purge`.

`setup.cfg` announces these classes to `registry.people.data_subject`.
"""

from measure.personal.recordings import Recordings
from measure.personal.switch_logs import SwitchLogs
from measure.personal.taken_facts import TakenFacts

__all__ = ["Recordings", "SwitchLogs", "TakenFacts"]
