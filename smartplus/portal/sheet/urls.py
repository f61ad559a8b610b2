"""A community as one sheet of its apartments."""

from django.urls import path

from smartplus.portal.sheet import views

urlpatterns = [
    path("sites/<int:site_id>/", views.site_sheet, name="site-detail"),
    path("sites/<int:site_id>/sheet/", views.sheet_changes, name="sheet-changes"),
    path("sites/<int:site_id>/apartments/", views.apartment_list, name="apartment-list"),
]
