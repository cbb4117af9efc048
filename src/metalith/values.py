"""Values that are more than a text: person names. (Bulk references are in `metalith.bulk`.)"""

from __future__ import annotations

from typing import Any

__all__ = ["PersonName"]


class PersonName(str):
    """A person name (PS3.5 section 6.2.1): a str of its alphabetic group, with the other groups and all components at
    hand.

    Where a name has no alphabetic group, the str is that of the first group it has.

    Parameters
    ----------
    alphabetic, ideographic, phonetic : str
        Component groups, components separated by "^".

    Examples
    --------
    >>> name = PersonName("Yamada^Tarou", "山田^太郎")
    >>> name, name.family_name, name.ideographic
    ('Yamada^Tarou', 'Yamada', '山田^太郎')
    """

    __slots__ = ("alphabetic", "ideographic", "phonetic")

    alphabetic: str
    ideographic: str
    phonetic: str

    def __new__(cls, alphabetic: str = "", ideographic: str = "", phonetic: str = "") -> PersonName:
        self = super().__new__(cls, alphabetic or ideographic or phonetic)
        object.__setattr__(self, "alphabetic", alphabetic)
        object.__setattr__(self, "ideographic", ideographic)
        object.__setattr__(self, "phonetic", phonetic)
        return self

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a PersonName is immutable")

    def _component(self, index: int) -> str:
        parts = self.split("^")
        return parts[index] if index < len(parts) else ""

    @property
    def family_name(self) -> str:
        """First component."""
        return self._component(0)

    @property
    def given_name(self) -> str:
        """Second component."""
        return self._component(1)

    @property
    def middle_name(self) -> str:
        """Third component."""
        return self._component(2)

    @property
    def name_prefix(self) -> str:
        """Fourth component."""
        return self._component(3)

    @property
    def name_suffix(self) -> str:
        """Fifth component."""
        return self._component(4)

    @property
    def text(self) -> str:
        """All groups as in a PN value: "Alphabetic=Ideographic=Phonetic", without trailing "="."""
        return "=".join((self.alphabetic, self.ideographic, self.phonetic)).rstrip("=")

    def __eq__(self, other: object) -> bool:
        if isinstance(other, PersonName):
            return self.text == other.text
        return str.__eq__(self, other) if isinstance(other, str) else NotImplemented

    def __ne__(self, other: object) -> bool:
        equal = self.__eq__(other)
        return NotImplemented if equal is NotImplemented else not equal

    __hash__ = str.__hash__

    def __reduce__(self) -> Any:
        return PersonName, (self.alphabetic, self.ideographic, self.phonetic)
