"""The second factor, sessions, terms and tokens."""

from django.urls import path

from smartplus.portal.security import acceptance, tokens
from smartplus.portal.security import views as security

urlpatterns = [
    path("sign-in/code/", security.sign_in_code, name="sign-in-code"),
    path("accept/", acceptance.accept_terms, name="accept-terms"),
    path("settings/security/", security.security, name="settings-security"),
    path("settings/security/on/", security.two_factor_on, name="settings-two-factor-on"),
    path("settings/security/off/", security.two_factor_off, name="settings-two-factor-off"),
    path("settings/security/codes/", security.recovery_codes, name="settings-recovery-codes"),
    path("settings/security/sessions/end/", security.session_end, name="settings-session-end"),
    path("settings/security/sessions/end-others/", security.sessions_end, name="settings-sessions-end"),
    path("settings/tokens/", tokens.token_list, name="settings-tokens"),
    path("settings/tokens/revoke/", tokens.token_revoke, name="settings-token-revoke"),
]
