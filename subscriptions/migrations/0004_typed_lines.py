import accounts.typed.columns
from accounts.append_only import GuardTable, UnguardTable
from accounts.typed.operations import TrigramIndex
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("communities", "0004_reserved_by_order_id"),
        ("subscriptions", "0003_variant_changes"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        UnguardTable("subscriptions_orderline"),
        UnguardTable("subscriptions_serviceperiod"),
        migrations.RemoveConstraint(
            model_name="order",
            name="order_has_one_term",
        ),
        migrations.RemoveConstraint(
            model_name="renewalrequest",
            name="request_months_in_range",
        ),
        migrations.RemoveConstraint(
            model_name="serviceperiod",
            name="period_once_per_start",
        ),
        migrations.RemoveField(
            model_name="order",
            name="cycles",
        ),
        migrations.RemoveField(
            model_name="order",
            name="months",
        ),
        migrations.AddField(
            model_name="order",
            name="reference",
            field=models.CharField(blank=True, max_length=64, verbose_name="your reference"),
        ),
        migrations.AddField(
            model_name="order",
            name="reference_key",
            field=accounts.typed.columns.SearchKey("reference"),
        ),
        migrations.AddField(
            model_name="order",
            name="term_count",
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="order",
            name="term_day",
            field=models.DateField(null=True),
        ),
        migrations.AddField(
            model_name="order",
            name="term_kind",
            field=models.CharField(
                blank=True,
                choices=[
                    ("months", "Months"),
                    ("cycles", "30 days"),
                    ("until", "Until a date"),
                    ("rest", "Rest of the paid time"),
                ],
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="orderline",
            name="kind",
            field=models.CharField(
                choices=[
                    ("activation", "Activation"),
                    ("renewal", "Renewal"),
                    ("upgrade", "Upgrade"),
                    ("credits", "Credits"),
                    ("adjustment", "Adjustment"),
                ],
                default="",
                max_length=12,
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="orderline",
            name="paid_variant",
            field=models.CharField(blank=True, max_length=200),
        ),
        migrations.AddField(
            model_name="orderline",
            name="term_count",
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="orderline",
            name="term_day",
            field=models.DateField(null=True),
        ),
        migrations.AddField(
            model_name="orderline",
            name="term_kind",
            field=models.CharField(
                blank=True,
                choices=[
                    ("months", "Months"),
                    ("cycles", "30 days"),
                    ("until", "Until a date"),
                    ("rest", "Rest of the paid time"),
                ],
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="serviceperiod",
            name="is_upgrade",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="serviceperiod",
            name="replaces",
            field=models.OneToOneField(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="replaced_by",
                to="subscriptions.serviceperiod",
            ),
        ),
        migrations.AddField(
            model_name="serviceperiod",
            name="variant",
            field=models.CharField(default="", max_length=200),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="subscription",
            name="renewals_wanted",
            field=models.PositiveSmallIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="subscription",
            name="site_kind",
            field=models.CharField(
                choices=[("community", "Community"), ("house", "Single-Family House"), ("commercial", "Commercial")],
                default="",
                max_length=12,
            ),
            preserve_default=False,
        ),
        migrations.AlterField(
            model_name="order",
            name="type",
            field=models.CharField(
                choices=[
                    ("activation", "Activation"),
                    ("renewal", "Renewal"),
                    ("auto_renewal", "Auto Renewal"),
                    ("upgrade", "Upgrade"),
                ],
                max_length=16,
                verbose_name="type",
            ),
        ),
        migrations.AlterField(
            model_name="orderline",
            name="distributor",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization"
            ),
        ),
        migrations.AlterField(
            model_name="orderline",
            name="ends_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AlterField(
            model_name="orderline",
            name="entitlement",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="lines",
                to="communities.entitlement",
            ),
        ),
        migrations.AlterField(
            model_name="orderline",
            name="installer",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization"
            ),
        ),
        migrations.AlterField(
            model_name="orderline",
            name="order",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="lines",
                to="subscriptions.order",
            ),
        ),
        migrations.AlterField(
            model_name="orderline",
            name="service_type",
            field=models.CharField(blank=True, max_length=16),
        ),
        migrations.AlterField(
            model_name="orderline",
            name="site",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="communities.site",
            ),
        ),
        migrations.AlterField(
            model_name="orderline",
            name="starts_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AlterField(
            model_name="orderline",
            name="target_label",
            field=models.CharField(blank=True, max_length=160),
        ),
        migrations.AlterField(
            model_name="orderline",
            name="variant",
            field=models.CharField(blank=True, max_length=200),
        ),
        migrations.AlterField(
            model_name="renewalrequest",
            name="kind",
            field=models.CharField(
                choices=[("activation", "Activation"), ("renewal", "Renewal"), ("upgrade", "Upgrade")],
                default="activation",
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="serviceperiod",
            name="line",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="periods", to="subscriptions.orderline"
            ),
        ),
        migrations.AlterField(
            model_name="subscription",
            name="currency",
            field=models.CharField(max_length=8),
        ),
        migrations.AlterField(
            model_name="subscription",
            name="order",
            field=models.OneToOneField(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="agreement",
                to="subscriptions.order",
            ),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        models.Q(("term_count__gt", 0), ("term_day", None)),
                        ("term_count__lte", 60),
                        ("term_kind", "months"),
                    ),
                    models.Q(models.Q(("term_count__gt", 0), ("term_day", None)), ("term_kind", "cycles")),
                    models.Q(("term_count", 0), ("term_day__isnull", False), ("term_kind", "until")),
                    models.Q(("term_count", 0), ("term_day", None), ("term_kind__in", ["rest", ""])),
                    _connector="OR",
                ),
                name="order_has_one_term",
            ),
        ),
        migrations.AddConstraint(
            model_name="orderline",
            constraint=models.UniqueConstraint(fields=("order", "entitlement", "kind"), name="order_line_once"),
        ),
        migrations.AddConstraint(
            model_name="orderline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        models.Q(("term_count__gt", 0), ("term_day", None)),
                        ("term_count__lte", 60),
                        ("term_kind", "months"),
                    ),
                    models.Q(models.Q(("term_count__gt", 0), ("term_day", None)), ("term_kind", "cycles")),
                    models.Q(("term_count", 0), ("term_day__isnull", False), ("term_kind", "until")),
                    models.Q(("term_count", 0), ("term_day", None), ("term_kind__in", ["rest", ""])),
                    _connector="OR",
                ),
                name="order_line_has_one_term",
            ),
        ),
        migrations.AddConstraint(
            model_name="orderline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("distributor__isnull", False),
                        ("ends_at__isnull", False),
                        ("entitlement__isnull", False),
                        ("installer__isnull", False),
                        ("kind__in", ["activation", "renewal", "upgrade"]),
                        ("site__isnull", False),
                        ("starts_at__isnull", False),
                        models.Q(("service_type", ""), _negated=True),
                        models.Q(("variant", ""), _negated=True),
                        models.Q(("term_kind", ""), _negated=True),
                        models.Q(
                            models.Q(("kind", "upgrade"), ("term_kind", "rest")),
                            models.Q(
                                models.Q(("kind", "upgrade"), ("term_kind", "rest"), _connector="OR"), _negated=True
                            ),
                            _connector="OR",
                        ),
                    ),
                    models.Q(
                        ("distributor", None),
                        ("ends_at", None),
                        ("entitlement", None),
                        ("installer", None),
                        ("kind__in", ["credits", "adjustment"]),
                        ("service_type", ""),
                        ("site", None),
                        ("starts_at", None),
                        ("term_kind", ""),
                        ("variant", ""),
                    ),
                    _connector="OR",
                ),
                name="order_line_kind_has_target",
            ),
        ),
        migrations.AddConstraint(
            model_name="renewalrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "upgrade"), ("months", 0)),
                    models.Q(models.Q(("kind", "upgrade"), _negated=True), ("months__gte", 1), ("months__lte", 60)),
                    _connector="OR",
                ),
                name="request_months_in_range",
            ),
        ),
        migrations.AddConstraint(
            model_name="serviceperiod",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_revoked", False), ("is_upgrade", False)),
                fields=("entitlement", "starts_at"),
                name="period_once_per_start",
            ),
        ),
        migrations.AddConstraint(
            model_name="serviceperiod",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_revoked", False)), fields=("line",), name="period_one_per_line"
            ),
        ),
        TrigramIndex("subscriptions_order", "reference_key", ("distributor_id", "installer_id")),
        GuardTable("subscriptions_orderline"),
        GuardTable("subscriptions_serviceperiod", changeable=["is_revoked"]),
    ]
