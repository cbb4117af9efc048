"""Studies, series and instances in memory.

`store.py` is the store; `series.py` what its users see of it; `incoming.py` makes tables of what is added;
`changes.py` lets changes be taken back; `events.py` tells of them; `upkeep.py` keeps it small;
`persistence.py` saves it.
"""

from metalith.store.events import Event, EventStream, Subscription
from metalith.store.series import Instances, Series, Study
from metalith.store.store import MetadataStore

__all__ = ["Event", "EventStream", "Instances", "MetadataStore", "Series", "Study", "Subscription"]
