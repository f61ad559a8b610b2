"""Add Community Site: its steps, its drafts, and copies of sites."""

from django.urls import path

from communities.models import Step
from smartplus.portal.new_site import lists, views

DRAFT = "sites/drafts/<int:draft_id>/"

urlpatterns = [
    path("sites/new/", views.site_new, name="site-new"),
    path("sites/drafts/", lists.draft_list, name="site-draft-list"),
    path("sites/<int:site_id>/copy/", views.site_copy, name="site-copy"),
    path(DRAFT, views.draft_continue, name="site-draft"),
    path(f"{DRAFT}delete/", views.draft_delete, name="draft-delete"),
    path(f"{DRAFT}basics/", views.draft_step, {"step": Step.BASICS}, name="draft-basics"),
    path(f"{DRAFT}structure/", views.draft_step, {"step": Step.STRUCTURE}, name="draft-structure"),
    path(f"{DRAFT}services/", views.draft_step, {"step": Step.SERVICES}, name="draft-services"),
    path(f"{DRAFT}devices/", views.draft_step, {"step": Step.DEVICES}, name="draft-devices"),
    path(f"{DRAFT}review/", views.draft_review, name="draft-review"),
    path(f"{DRAFT}basics/preview/", views.draft_preview, {"step": Step.BASICS}, name="draft-basics-preview"),
    path(f"{DRAFT}structure/preview/", views.draft_preview, {"step": Step.STRUCTURE}, name="draft-structure-preview"),
    path(f"{DRAFT}services/preview/", views.draft_preview, {"step": Step.SERVICES}, name="draft-services-preview"),
    path(f"{DRAFT}devices/preview/", views.draft_preview, {"step": Step.DEVICES}, name="draft-devices-preview"),
]
