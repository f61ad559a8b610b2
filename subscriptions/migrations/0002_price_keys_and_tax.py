from django.db import migrations, models
from django.db.models import OuterRef, Subquery

from accounts.append_only import GuardTable, UnguardTable

COMMERCIAL = [
    "door",
    "personnel_app",
    "admin_app",
    "time_attendance",
    "elevator_control",
]  # all else that had a price so far is sold in communities


def name_project_types(apps, schema_editor):
    """A price is of the project type its service belonged to, a line of its order's."""
    prices = apps.get_model("subscriptions", "Price").objects
    prices.filter(service_type__in=COMMERCIAL).update(project_type="commercial")
    orders = apps.get_model("subscriptions", "Order").objects.filter(pk=OuterRef("order"))
    lines = apps.get_model("subscriptions", "OrderLine").objects.exclude(order__site_kind="community")
    lines.update(project_type=Subquery(orders.values("site_kind")[:1]))


def project_type():
    choices = [("community", "Community"), ("house", "Single-Family House"), ("commercial", "Commercial")]
    return models.CharField(choices=choices, default="community", max_length=12)


def price_class():
    choices = [("normal", "Normal"), ("integration", "Integration")]
    return models.CharField(choices=choices, default="normal", max_length=12)


class Migration(migrations.Migration):
    dependencies = [
        ("subscriptions", "0001_initial"),
    ]

    operations = [
        UnguardTable("subscriptions_orderline"),
        UnguardTable("subscriptions_price"),
        UnguardTable("subscriptions_pricelist"),
        migrations.RemoveConstraint(model_name="orderline", name="order_line_not_negative"),
        migrations.RemoveConstraint(model_name="price", name="price_once_per_list"),
        migrations.AddField(model_name="price", name="project_type", field=project_type(), preserve_default=False),
        migrations.AddField(model_name="price", name="price_class", field=price_class()),
        migrations.AddField(model_name="pricelist", name="includes_tax", field=models.BooleanField(default=False)),
        migrations.AddField(model_name="order", name="included_tax_minor", field=models.BigIntegerField(default=0)),
        migrations.AddField(model_name="orderline", name="project_type", field=project_type(), preserve_default=False),
        migrations.AddField(model_name="orderline", name="price_class", field=price_class()),
        migrations.AddField(model_name="orderline", name="tax_rate_bp", field=models.PositiveIntegerField(default=0)),
        migrations.AddField(
            model_name="orderline",
            name="tax_reason",
            field=models.CharField(
                blank=True,
                choices=[
                    ("no_rule", "no_rule"),
                    ("exempt", "exempt"),
                    ("reverse_charge", "reverse_charge"),
                    ("credits", "credits"),
                ],
                default="no_rule",
                max_length=16,
            ),
        ),
        migrations.AddField(model_name="orderline", name="included_tax_minor", field=models.BigIntegerField(default=0)),
        migrations.RunPython(name_project_types, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="price",
            constraint=models.UniqueConstraint(
                fields=["price_list", "project_type", "service_type", "part", "price_class"], name="price_once_per_list"
            ),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.CheckConstraint(
                condition=models.Q(included_tax_minor=0) | models.Q(included_tax_minor__gt=0, tax_minor=0),
                name="order_net_or_gross",
            ),
        ),
        migrations.AddConstraint(
            model_name="orderline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    amount_minor__gte=models.F("discount_minor"),
                    discount_minor__gte=0,
                    tax_minor__gte=0,
                    included_tax_minor__gte=0,
                ),
                name="order_line_not_negative",
            ),
        ),
        migrations.AddConstraint(
            model_name="orderline",
            constraint=models.CheckConstraint(
                condition=models.Q(~models.Q(tax_reason=""), tax_rate_bp=0, tax_minor=0, included_tax_minor=0)
                | models.Q(tax_rate_bp__gt=0, tax_reason=""),
                name="order_line_tax_or_reason",
            ),
        ),
        GuardTable("subscriptions_pricelist"),
        GuardTable("subscriptions_price"),
        GuardTable("subscriptions_orderline"),
    ]
