"""A form that creates something creates it once: if it is sent again, by a second click or by a network that retries,
the answer leads to the first result."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.db import models
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from accounts import sent_forms
from smartplus import form_tokens
from smartplus.access import PortalRequest

Given = ParamSpec("Given")
View = Callable[Concatenate[PortalRequest, Given], HttpResponse]
LONGEST = 500


def once(view: View[Given]) -> View[Given]:
    """For views that make something: the claim and what is made are one transaction. What is refused, or only shown, may be sent again,
    and so may what was undone since."""
    return once_where(lambda _request: True)(view)


def once_where(makes: Callable[[PortalRequest], bool]) -> Callable[[View[Given]], View[Given]]:
    """`once` for a view whose form has buttons that only ask or prepare: these claim nothing."""

    def wrap(view: View[Given]) -> View[Given]:
        @wraps(view)
        def wrapped(request: PortalRequest, /, *args: Given.args, **kwargs: Given.kwargs) -> HttpResponse:
            digest = _digest(request) if makes(request) else ""
            if not digest:
                return view(request, *args, **kwargs)
            with sent_forms.claiming(digest, now=request.now) as claimed:
                if claimed is None:
                    return _again(request, digest)
                response = view(request, *args, **kwargs)
                if _is_done(request, response):
                    path = response.headers.get("Location", "")
                    row = getattr(response, "made_row", None)
                    sent_forms.finish(claimed, path=path if len(path) <= LONGEST else "", row=row)
                else:
                    sent_forms.give_back(claimed)
                return response

        return wrapped

    return wrap


def made(response: HttpResponse, row: models.Model | None) -> HttpResponse:
    """Name the row that was made: once it is undone, the same form may make another one."""
    response.made_row = row  # type: ignore[attr-defined]
    return response


def _digest(request: PortalRequest) -> str:
    """Of the token, who works for whom, and everything that was typed; "" for what is no form of this person."""
    token = request.POST.get(form_tokens.FIELD, "") if request.method == "POST" else ""
    if not token or form_tokens.owner(token).user != request.user.pk:
        return ""
    typed = sorted((name, values) for name, values in request.POST.lists() if name != "csrfmiddlewaretoken")
    files = sorted((name, _content(file)) for name, some in request.FILES.lists() for file in some)
    whole = json.dumps([request.user.pk, request.actor.membership_id, request.get_full_path(), typed, files])
    return hashlib.sha256(whole.encode()).hexdigest()


def _content(file: UploadedFile[Any]) -> str:
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()


def _is_done(request: PortalRequest, response: HttpResponse) -> bool:
    """Whether something was created: the answer is a redirect, and nothing was refused."""
    said = getattr(messages.get_messages(request), "_queued_messages", [])  # not read by that, so still to be shown
    is_refused = any(message.level >= messages.ERROR for message in said)
    return hasattr(response, "made_row") or (300 <= response.status_code < 400 and not is_refused)


def _again(request: PortalRequest, digest: str) -> HttpResponse:
    messages.info(request, _("This was saved already. Sent twice, it is there once."))
    return redirect(sent_forms.led_to(digest) or request.get_full_path())
