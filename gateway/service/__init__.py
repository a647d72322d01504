"""The one service layer behind every way in: it starts cases, tells them messages, and shows them.

Ledger first: what comes in is in the ledger before any case hears of it, and what the case answered is in the ledger
after. How invoices are read is in `intake/`; how things are printed is in `cli/`.
"""

from gateway.service.service import Service as Service
from gateway.service.showing import listed as listed
from gateway.service.starting import STARTS_AT_ONCE as STARTS_AT_ONCE
from gateway.service.starting import Opened as Opened
from gateway.service.starting import Opening as Opening
from gateway.service.starting import batches as batches
from gateway.service.told import Told as Told
