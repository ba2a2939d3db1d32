"""The store: worklist, scores with their provenance, audit, settings and the score queue, in one SQLite file.

It holds no picture and no patient's identity; what is returned from `add_score` has reached the disk.
"""

from app.core.store.store import Store
from app.core.store.values import AuditRow, Entry, QueueChange, Status, StoredScore

__all__ = ["AuditRow", "Entry", "QueueChange", "Status", "Store", "StoredScore"]
