"""What pages and jobs write into the audit by themselves: a person's own settings, and background work."""

from django.utils.translation import gettext_lazy as _

from accounts.audit import Area, Word

PROFILE_CHANGED = Word("profile.changed", _("Own profile changed"), area=Area.SECURITY, saves=True)
PASSWORD_CHANGED = Word("password.changed", _("Own password changed"), area=Area.SECURITY)
NOTIFICATIONS_CHANGED = Word("notifications.changed", _("Own notifications changed"), area=Area.SECURITY, saves=True)
WORK_TRIED_AGAIN = Word("work.tried_again", _("Failed background work tried again"))

WORDS = (PROFILE_CHANGED, PASSWORD_CHANGED, NOTIFICATIONS_CHANGED, WORK_TRIED_AGAIN)
