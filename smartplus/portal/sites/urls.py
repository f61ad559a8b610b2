"""Sites, their buildings and the people who look after them."""

from django.urls import path

from smartplus.portal.sites import buildings, lists, managers, price_previews
from smartplus.portal.sites import views as sites

urlpatterns = [
    path("sites/", lists.site_list, name="site-list"),
    path("sites/<int:site_id>/price-preview/", price_previews.site_price_preview, name="site-price-preview"),
    path("sites/<int:site_id>/facts/", sites.site_facts, name="site-facts"),
    path("sites/<int:site_id>/edit/", sites.site_edit, name="site-edit"),
    path("sites/<int:site_id>/free-members/", sites.site_free_members, name="site-free-members"),
    path("sites/<int:site_id>/services/", sites.site_services, name="site-services"),
    path("sites/<int:site_id>/managers/", managers.site_managers, name="site-managers"),
    path("sites/<int:site_id>/buildings/new/", buildings.building_new, name="building-new"),
    path("sites/<int:site_id>/buildings/new/preview/", buildings.building_preview, name="building-preview"),
    path("buildings/<int:building_id>/edit/", buildings.building_edit, name="building-edit"),
]
