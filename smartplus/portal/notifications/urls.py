"""Muting of mail, and the mail that was sent."""

from django.urls import path

from smartplus.portal.notifications import mute
from smartplus.portal.notifications import views as notifications

urlpatterns = [
    path("settings/notifications/", notifications.notifications, name="settings-notifications"),
    path("settings/notifications/<int:notice_id>/again/", notifications.notice_again, name="notice-again"),
    path("mail/mute/<token>/", mute.mute, name="mail-mute"),
]
