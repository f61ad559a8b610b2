"""Long lists of options for forms."""

from django.urls import path

from smartplus.portal.choices import views as choices

urlpatterns = [
    path("choices/countries/<slug:language>/", choices.country_names, name="choices-countries"),
    path("choices/time-zones/", choices.time_zones, name="choices-time-zones"),
    path("choices/address/<slug:kind>/", choices.address_parts, name="choices-address"),
    path("choices/time-zones-of/", choices.zones_of_country, name="choices-zones"),
]
