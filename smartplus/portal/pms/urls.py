"""The connection of a site to a property management system."""

from django.urls import path

from smartplus.portal.pms import views

urlpatterns = [
    path("sites/<int:site_id>/pms/", views.site_pms, name="site-pms"),
    path("sites/<int:site_id>/pms/token/", views.pms_token, name="site-pms-token"),
    path("sites/<int:site_id>/pms/enable/", views.pms_enable, name="site-pms-enable"),
    path("sites/<int:site_id>/pms/revoke/", views.pms_revoke, name="site-pms-revoke"),
]
