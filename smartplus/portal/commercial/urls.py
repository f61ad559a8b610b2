"""Commercial sites: doors, people, and services of the whole site."""

from django.urls import path

from smartplus.portal.commercial import accounts, doors_and_people, sites

urlpatterns = [
    path("sites/new/commercial/", sites.commercial_new, name="commercial-new"),
    path("sites/<int:site_id>/doors-and-people/", doors_and_people.commercial_site, name="commercial-site"),
    path("sites/<int:site_id>/commercial/edit/", sites.commercial_edit, name="commercial-edit"),
    path("sites/<int:site_id>/accounts/new/", accounts.account_new, name="account-new"),
    path("sites/<int:site_id>/accounts/switch/", accounts.account_switch, name="account-switch"),
    path("accounts/<int:account_id>/edit/", accounts.account_edit, name="account-edit"),
    path("accounts/<int:account_id>/archive/", accounts.account_archive, name="account-archive"),
    path("accounts/<int:account_id>/restore/", accounts.account_restore, name="account-restore"),
    path("accounts/<int:account_id>/remove/", accounts.account_remove, name="account-remove"),
]
