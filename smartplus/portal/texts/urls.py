"""The texts people accept; under Set-up those of the operator, and the seller."""

from django.urls import path

from accounts.models import Document
from smartplus.portal.texts import acceptances as text_acceptances
from smartplus.portal.texts import editor as text_editor
from smartplus.portal.texts import seller, views

urlpatterns = [
    pattern
    for document in Document.values
    for pattern in (
        path(f"{document}/", views.text, {"document": document}, name=document),
        path(f"{document}/<int:version>/", views.text, {"document": document}, name=f"{document}-version"),
        path(f"setup/{document}/", text_editor.editor, {"document": document}, name=f"setup-{document}"),
        path(
            f"setup/{document}/preview/", text_editor.preview, {"document": document}, name=f"setup-{document}-preview"
        ),
        path(
            f"setup/{document}/accepted/",
            text_acceptances.acceptance_list,
            {"document": document},
            name=f"setup-{document}-accepted",
        ),
    )
] + [
    path("setup/seller/", seller.seller, name="setup-seller"),
    path("seller/logo/<slug:digest>/", seller.logo, name="seller-logo"),
]
