"""Several data sources as one.

`source.py` is the source; `children.py` finds those it is made of; `asking.py` asks all of them at once and puts rows
together; `joining.py` does it with series, and knows which instance is whose.
"""

from metalith.sources.merge.asking import ChildFailed, MergedRows
from metalith.sources.merge.options import MergeOptions
from metalith.sources.merge.source import MergeSource

__all__ = ["ChildFailed", "MergeOptions", "MergeSource", "MergedRows"]
