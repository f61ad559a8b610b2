"""Audit words of jobs."""

from django.utils.translation import gettext_lazy as _

from accounts.audit import Word

WORK_TRIED_AGAIN = Word("work.tried_again", _("Failed background work tried again"))

WORDS = (WORK_TRIED_AGAIN,)
