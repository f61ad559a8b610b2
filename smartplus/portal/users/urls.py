"""Users: firms below the own one, people, invitations."""

from django.urls import path

from smartplus.portal.users import addresses, firms, invitations, lists
from smartplus.portal.users import views as users

urlpatterns = [
    path("users/", lists.user_list, name="user-list"),
    path("users/new/", users.user_new, name="user-new"),
    path("users/<int:membership_id>/", users.user_detail, name="user-detail"),
    path("users/<int:membership_id>/sites/", users.user_sites, name="user-sites"),
    path("users/<int:membership_id>/activity/", users.user_activity, name="user-activity"),
    path("users/<int:membership_id>/address/", addresses.user_address, name="user-address"),
    path("users/<int:membership_id>/two-factor/", users.user_two_factor, name="user-two-factor"),
    path("users/<int:membership_id>/invitation/", users.user_invitation, name="user-invitation"),
    path("users/firms/<int:organization_id>/", firms.firm_detail, name="firm-detail"),
    path("users/firms/<int:organization_id>/edit/", firms.firm_edit, name="firm-edit"),
    path("users/firms/<int:organization_id>/people/new/", firms.firm_person_new, name="firm-person-new"),
    path("users/firms/<int:organization_id>/activity/", firms.firm_activity, name="firm-activity"),
    path("users/firms/<int:organization_id>/move/", firms.firm_move, name="firm-move"),
    path("invitation/<token>/", invitations.invitation, name="invitation"),
]
