"""Auto-renewals."""

from django.urls import path

from smartplus.portal.renewals import lists
from smartplus.portal.renewals import views as auto_renewals

urlpatterns = [
    path("subscription/auto-renew/", lists.auto_renewal_list, name="auto-renewal-list"),
    path("subscription/auto-renew/<int:pk>/stop/", auto_renewals.auto_renewal_stop, name="auto-renewal-stop"),
    path("subscription/auto-renew/<int:pk>/card/", auto_renewals.auto_renewal_card, name="auto-renewal-card"),
    path(
        "subscription/auto-renew/<int:pk>/card/new/", auto_renewals.auto_renewal_card_new, name="auto-renewal-card-new"
    ),
]
