from collections.abc import Mapping


class Aliases:
    """Which anonymous visitors turned out to be which users, both ways, by key."""

    def __init__(self, users: Mapping[str, str] | None = None) -> None:
        self._users: dict[str, str] = {}
        self._visitors: dict[str, list[str]] = {}
        for anonymous, user in (users or {}).items():
            self.set(anonymous, user)

    def user_of(self, key: str) -> str:
        """Returns the user's key; of anyone else, the same key."""
        return self._users.get(key, key)

    def visitors_of(self, user: str) -> list[str]:
        """Returns the keys of the anonymous visitors who are the user."""
        return self._visitors.get(user, [])

    def set(self, anonymous: str, user: str | None) -> None:
        """Notes who an anonymous visitor is; None: nobody known."""
        known = self._users.pop(anonymous, None)
        if known is not None:
            self._visitors[known].remove(anonymous)
            if not self._visitors[known]:
                del self._visitors[known]
        if user is not None:
            self._users[anonymous] = user
            self._visitors.setdefault(user, []).append(anonymous)
