"""A tenant's file name: one for each tenant, on file systems that fold case too.

    acme  ->  acme.sqlite3
    ACME  ->  acme@f.sqlite3      f = 0b1111: which characters are upper case, first one highest

``@`` is in no id, so no two tenants share a name; the longest is 169 characters.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from logweir.ids import TenantId

SUFFIX: Final = ".sqlite3"


def file_name(tenant: TenantId) -> str:
    """The name of a tenant's file."""
    upper = int("".join("1" if character.isupper() else "0" for character in tenant), 2)
    return f"{tenant.lower()}{f'@{upper:x}' if upper else ''}{SUFFIX}"


def tenant_of(path: Path) -> TenantId:
    """The inverse. Raises InvalidId or ValueError for a name that ``file_name`` does not make."""
    folded, _, mask = path.name.removesuffix(SUFFIX).partition("@")
    bits = f"{int(mask or '0', 16):0{len(folded)}b}"
    tenant = TenantId(
        "".join(
            character.upper() if bit == "1" else character
            for character, bit in zip(folded, bits, strict=True)
        )
    )
    if file_name(tenant) != path.name:  # somebody's copy: its tenant would be there twice
        raise ValueError(f"{path.name} is no tenant's file")
    return tenant
