"""The bits of `features.v1.LookupItemStatesResponse.flags`, under one set of names for whoever sets or reads them."""

from typing import Final

IN_CATALOG: Final = 1
HIDDEN: Final = 2
IN_STOCK: Final = 4
HAS_PRICE: Final = 8
REDUCED: Final = 16
