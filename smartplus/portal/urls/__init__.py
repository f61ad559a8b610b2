"""The addresses of the portal: one module per area, each with its own `urlpatterns`."""

from importlib import import_module
from pkgutil import iter_modules

from django.urls import URLPattern, URLResolver

# An area is listed by having a module here, so that areas can come and go without touching each other.
urlpatterns: list[URLPattern | URLResolver] = [
    pattern for module in iter_modules(__path__) for pattern in import_module(f"{__name__}.{module.name}").urlpatterns
]
