"""What is said after another address was asked for, the own one or somebody else's."""

from django.utils.translation import gettext_lazy

LINK_SENT = gettext_lazy("If %(email)s can be used, a link is on its way there. Until it is opened, nothing changes.")
