"""Sites, their buildings and the people who look after them."""

from django.urls import path

from smartplus.portal.sites import bills, buildings, lists, managers
from smartplus.portal.sites import views as sites

urlpatterns = [
    path("sites/", lists.site_list, name="site-list"),
    path("sites/new/", sites.site_new, name="site-new"),
    path("sites/new/bill/", bills.site_bill_new, name="site-bill-new"),
    path("sites/<int:site_id>/bill/", bills.site_bill, name="site-bill"),
    path("sites/<int:site_id>/", sites.site_detail, name="site-detail"),
    path("sites/<int:site_id>/edit/", sites.site_edit, name="site-edit"),
    path("sites/<int:site_id>/free-members/", sites.site_free_members, name="site-free-members"),
    path("sites/<int:site_id>/services/", sites.site_services, name="site-services"),
    path("sites/<int:site_id>/managers/", managers.site_managers, name="site-managers"),
    path("sites/<int:site_id>/buildings/new/", buildings.building_new, name="building-new"),
    path("buildings/<int:building_id>/edit/", buildings.building_edit, name="building-edit"),
]
