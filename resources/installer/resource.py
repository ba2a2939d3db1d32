"""What Windows shows of the program in its properties, in the form that PyInstaller reads."""

from __future__ import annotations

import re

_TEXT = """VSVersionInfo(
  ffi=FixedFileInfo(filevers={numbers}, prodvers={numbers}, mask=0x3F, flags={flags}, OS=0x40004, fileType=0x1,
                    subtype=0x0, date=(0, 0)),
  kids=[
    StringFileInfo([StringTable('040904B0', [
{strings}
    ])]),
    VarFileInfo([VarStruct('Translation', [1033, 1200])]),
  ],
)
"""


def write_version(version: str) -> str:
    """Write the version resource.

    Parameters
    ----------
    version : str
        As '1.2.3'; what follows the numbers marks a version that is not yet final.
    """
    found = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", version)
    if found is None:
        raise ValueError(f"'{version}' does not begin with numbers such as 1.2.3")
    numbers = (*(int(part or 0) for part in found.groups()), 0)
    final = found.group(0) == version
    said = {
        "CompanyName": "LipoScope",
        "FileDescription": "LipoScope (research use only, not a medical device)",
        "FileVersion": version,
        "InternalName": "LipoScope",
        "LegalCopyright": "Apache-2.0",
        "OriginalFilename": "LipoScope.exe",
        "ProductName": "LipoScope",
        "ProductVersion": version,
    }
    strings = ",\n".join(f"      StringStruct({name!r}, {value!r})" for name, value in said.items())
    return _TEXT.format(numbers=numbers, flags="0x0" if final else "0x2", strings=strings)
