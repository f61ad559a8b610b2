"""Long jobs: what people started, how far it is, and what came of it."""

from django.urls import path

from smartplus.portal.jobs import lists, views

urlpatterns = [
    path("jobs/", lists.job_list, name="job-list"),
    path("jobs/file/", views.job_export, name="job-export"),
    path("jobs/<int:job_id>/", views.job_detail, name="job-detail"),
    path("jobs/<int:job_id>/cancel/", views.job_cancel, name="job-cancel"),
    path("jobs/<int:job_id>/file/", views.job_file, name="job-file"),
    path("jobs/<int:job_id>/failed/", views.job_failed_rows, name="job-failed-rows"),
]
