"""Sign-in by email and password."""

from typing import Any

from django.contrib.auth.backends import BaseBackend

from accounts.models import User


class EmailBackend(BaseBackend):
    """Finds the user by email, in any spelling with the same key. An unknown address takes as long as a wrong password."""

    def authenticate(
        self, request: Any, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        """The user, or None. `username` is the email, as Django's form names it."""
        if username is None or password is None:
            return None
        try:
            user = User.objects.get_by_natural_key(username)
        except User.DoesNotExist:
            # The same work as check_password, so that response times do not reveal which addresses exist
            User().set_password(password)
            return None
        return user if user.check_password(password) and user.is_active else None

    def get_user(self, user_id: int) -> User | None:
        """The user of a session; None once deactivated, which ends the session with its next request."""
        return User.objects.filter(pk=user_id, is_active=True).first()
