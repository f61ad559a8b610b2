"""Single-family houses."""

from django.urls import path

from smartplus.portal.houses import views

urlpatterns = [
    path("sites/new/house/", views.house_new, name="house-new"),
    path("sites/<int:site_id>/house/", views.house_site, name="house-site"),
    path("sites/<int:site_id>/house/edit/", views.house_edit, name="house-edit"),
]
