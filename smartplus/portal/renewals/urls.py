"""Auto-renewals."""

from django.urls import path

from smartplus.portal.renewals import views as agreements

urlpatterns = [
    path("subscription/auto-renew/", agreements.agreement_list, name="agreement-list"),
    path("subscription/auto-renew/<int:pk>/stop/", agreements.agreement_stop, name="agreement-stop"),
    path("subscription/auto-renew/<int:pk>/card/", agreements.agreement_card, name="agreement-card"),
    path("subscription/auto-renew/<int:pk>/card/new/", agreements.agreement_card_new, name="agreement-card-new"),
]
