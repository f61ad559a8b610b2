"""Sign-in by email and password."""

from typing import Any

from django.contrib.auth.backends import BaseBackend

from accounts.models import User


class EmailBackend(BaseBackend):
    """Finds the user by email, however it is written; an unknown address costs the same time as a wrong password."""

    def authenticate(
        self, request: Any, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        """The user, or None. `username` is the email, as Django's form names it."""
        if username is None or password is None:
            return None
        try:
            user = User.objects.get_by_natural_key(username)
        except User.DoesNotExist:
            User().set_password(password)  # same work as check_password, so that addresses can't be probed by the clock
            return None
        return user if user.check_password(password) and user.is_active else None

    def get_user(self, user_id: int) -> User | None:
        """The user of a session, None once deactivated: the session dies with its next request."""
        return User.objects.filter(pk=user_id, is_active=True).first()
