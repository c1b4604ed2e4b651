"""Decides whether this process may go on with a partition that somebody else took: only where the lease was taken again since."""

from __future__ import annotations

from hub.store.lease import Lease
from hub.store.ticks import ticks


class Tenure:
    """One partition of a process that works alone, from before it was taken. Who was fenced off begins another when it may.

    Between the end of a lease on a server and the moment it is taken again another hub may have worked, as it should. Whoever is
    fenced off under a lease that was never lost has a rival who heeds no lease: two that took turns would do more harm than one
    that ends.
    """

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self._since = ticks()
        self.fenced = False  # somebody else took the partition

    @property
    def outdated(self) -> bool:
        """Whether others may have taken the partition since."""
        return self._lease.since > self._since

    @property
    def lost(self) -> bool:
        """Whether somebody else has the partition, and the right to it as far as is known."""
        return self.fenced and not self.outdated
