"""The MAC library."""

from django.urls import path

from smartplus.portal.library import lists
from smartplus.portal.library import views as library

urlpatterns = [
    path("library/", lists.library_list, name="library-list"),
    path("library/add/", library.library_add, name="library-add"),
    path("library/<int:entry_id>/assign/", library.library_assign, name="library-assign"),
    path("library/<int:entry_id>/retire/", library.library_retire, name="library-retire"),
]
