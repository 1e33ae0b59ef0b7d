"""Customer_Attributes: one row a customer, computed from profile, orders and consent."""

from braze_assets.customer_360.sample_table import SampleTable, sql_file

__all__ = ["CUSTOMER_ATTRIBUTES"]

CUSTOMER_ATTRIBUTES = SampleTable(
    name="customer_attributes",
    description="One row a customer: lifecycle status, how they can be reached, and what they are.",
    columns=(
        ("amperity_id", "VARCHAR", "The person."),
        (
            "historical_purchaser_lifecycle_status",
            "VARCHAR",
            "New (first order within 30 days), Active (an order within 365), Lapsed, Dormant, Prospect.",
        ),
        ("churn_trigger", "VARCHAR", "lapsed or dormant, for customers who are."),
        ("churn_trigger_start_datetime", "TIMESTAMP WITH TIME ZONE", "When they became so."),
        ("contactable_address", "BOOLEAN", "Whether a letter can be sent."),
        ("contactable_email", "BOOLEAN", "Whether there is an e-mail address with consent."),
        ("contactable_phone", "BOOLEAN", "Whether there is a telephone number with consent to texts."),
        ("contactable_paid_social", "BOOLEAN", "Whether an address or number can be matched by networks."),
        ("contactable_global", "BOOLEAN", "Whether they can be reached by letter, e-mail or text at all."),
        ("is_opted_into_email", "BOOLEAN", "Consent to e-mail; false when unknown."),
        ("is_opted_into_sms", "BOOLEAN", "Consent to text messages; false when unknown."),
        ("is_purchaser", "BOOLEAN", "Whether they ever bought."),
        ("is_prospect", "BOOLEAN", "Whether they never bought."),
        ("is_business", "BOOLEAN", "Whether a company is known."),
        ("is_employee", "BOOLEAN", "Whether the e-mail address is one of the staff."),
        ("is_test_account", "BOOLEAN", "Whether it is an account made for tests."),
        ("is_reseller", "BOOLEAN", "Whether they bought 15 items or more in 12 months."),
        ("is_outlier", "BOOLEAN", "Whether they spent 1,500 or more."),
        ("is_no_pii_amperity_id", "BOOLEAN", "Whether no name and no contact is known."),
    ),
    key=("amperity_id",),
    depends_on=("merged_customers", "transaction_attributes_extended", "email_opt_status", "sms_opt_status"),
    query=sql_file("customer_attributes.sql"),
)
