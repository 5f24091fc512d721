"""SQL over the files of the sample company: its tables, and a query for each thing that makes real data awkward."""

TABLES = """
create table reports as select *, filename from read_parquet('{source}/usage/usage_reports/*/*.parquet',
    union_by_name = true, filename = true, hive_partitioning = false);
create table usage as select * from reports
    qualify row_number() over (partition by date, organization_id order by received_at desc) = 1;
create table organization_versions as select * from '{source}/product_db/organizations/*.parquet';
create table organizations as select * from organization_versions
    qualify row_number() over (partition by id order by updated_at desc) = 1;
create table users as select * from '{source}/product_db/users/*.parquet';
create table memberships as select * from '{source}/product_db/organization_memberships.csv.gz';
create table billing as select * from read_json('{source}/billing/billing_customers/*.jsonl.gz', columns = {{
    organization_id: 'varchar', stripe_customer_id: 'varchar', has_active_subscription: 'bool',
    subscribed_products: 'varchar[]', platform_package: 'varchar', current_period_start: 'timestamptz',
    current_period_end: 'timestamptz', custom_limits_usd: 'json', discount_percent: 'decimal(10, 2)',
    credit_balance_usd: 'decimal(18, 2)', startup_program: 'varchar', startup_plan_start_at: 'timestamptz',
    credit_expires_at: 'timestamptz', annual_plan_start_at: 'timestamptz', annual_plan_end_at: 'timestamptz',
    free_trial_until: 'timestamptz', updated_at: 'timestamptz'}});
create table sent as select 'invoices' as name, j->>'id' as id, j, f from
    read_ndjson_objects('{source}/stripe/invoices/*.gz', filename = 'f') as t(j, f)
    union all select 'customers', j->>'id', j, f from
    read_ndjson_objects('{source}/stripe/customers/*.gz', filename = 'f') as t(j, f)
    union all select 'subscriptions', j->>'id', j, f from
    read_ndjson_objects('{source}/stripe/subscriptions/*.gz', filename = 'f') as t(j, f)
    union all select 'credit_notes', j->>'id', j, f from
    read_ndjson_objects('{source}/stripe/credit_notes/*.gz', filename = 'f') as t(j, f)
    union all select 'products', j->>'id', j, f from
    read_ndjson_objects('{source}/stripe/products.jsonl.gz', filename = 'f') as t(j, f);
create table objects as select name, id, j from sent qualify row_number() over (partition by id order by f desc) = 1;
create table invoices as select id, j, j->>'customer' as customer, j->>'status' as status, j->>'currency' as currency,
    (j->>'livemode')::bool as livemode, to_timestamp((j->>'created')::bigint) as created,
    (j->>'subtotal')::bigint as subtotal, (j->>'total')::bigint as total,
    (j->>'starting_balance')::bigint as starting_balance, (j->>'ending_balance')::bigint as ending_balance,
    coalesce((j->>'tax')::bigint, (j->>'$.total_taxes[0].amount')::bigint, 0) as tax
    from objects where name = 'invoices';
create table lines as select i.* exclude (j), l->>'id' as line_id, (l->>'amount')::bigint as amount,
    coalesce((l->>'$.discount_amounts[0].amount')::bigint, 0) as discount,
    coalesce(l->>'subscription', l->>'$.parent.subscription_item_details.subscription') as subscription,
    coalesce((l->>'proration')::bool, (l->>'$.parent.subscription_item_details.proration')::bool, false) as proration,
    to_timestamp((l->>'$.period.start')::bigint) as period_start,
    to_timestamp((l->>'$.period.end')::bigint) as period_end,
    json_exists(l, 'price') as is_old_shape, p.j->>'$.metadata.product_key' as product_key
    from (select *, unnest(from_json(j->'lines'->'data', '["json"]')) as l from invoices) as i
    left join objects as p on p.id = coalesce(l->>'$.price.product', l->>'$.pricing.price_details.product');
create table companies as select * from '{source}/enrichment/companies.parquet';
create table crm_accounts as select * from '{source}/crm/accounts.parquet';
create table opportunities as select * from '{source}/crm/opportunities.csv';
create table merges as select * from '{source}/crm/account_merges.csv';
create table contacts as select * from '{source}/crm/contacts.parquet';
create table activities as select * from '{source}/crm/activities.parquet';
create table feature_requests as select * from '{source}/crm/feature_requests.csv';
create table unit_costs as select * from '{source}/costs/unit_costs.csv';
create table account_costs as select * from '{source}/costs/account_costs.csv';
create table tickets as select * from '{source}/support/tickets.csv.gz';
create table events as select * from '{source}/product_events/events_daily.parquet';
create table spend as select * from '{source}/spend/sales_and_marketing.csv';
create table customers as select * from '{books}/customers.parquet';
create table mrr as select * from '{books}/mrr_monthly.parquet';
create table rated as select * from '{books}/rated_lines.parquet';
create table accounts as select distinct organization_id, stripe_customer_id from billing
    where stripe_customer_id is not null;
"""

AWKWARD = {
    "a report sent again with more": """
        select 1 from reports group by date, organization_id having count(*) > 1 and
        min_by(event_count_in_period, received_at) < max_by(event_count_in_period, received_at)
    """,
    "a report sent three times": "select 1 from reports group by date, organization_id having count(*) = 3",
    "a late report in a file of its own": """
        select 1 from reports where received_at > date + interval 2 day and filename like '%late%'
    """,
    "a report that came late only": """
        select 1 from reports group by date, organization_id having min(received_at) > any_value(date) +
        interval 2 day
    """,
    "a report of nothing": """
        select 1 from usage where event_count_in_period + recording_count_in_period +
        billable_feature_flag_requests_count_in_period + exceptions_captured_in_period = 0
    """,
    "an unpriced counter": "select 1 from usage where code_review_credits_used_in_period > 0",
    "organizations on one Stripe customer": "select 1 from accounts group by stripe_customer_id having count(*) > 1",
    "a payment-only customer": """
        select 1 from objects join invoices on customer = objects.id where
        (objects.j->>'$.metadata.payment_only') = 'true'
    """,
    "a chain of merges": "select 1 from merges a join merges b on a.canonical_organization_id = b.organization_id",
    "a merge of two that pay": """
        select 1 from merges join accounts a using (organization_id) join accounts b on b.organization_id =
        canonical_organization_id
    """,
    "a merge across regions": """
        select 1 from merges join organizations a on a.id = organization_id join organizations b on b.id =
        canonical_organization_id where a.region <> b.region
    """,
    "organizations of one company that nobody joined": """
        select 1 from memberships m join users u on u.id = m.user_id where level = 15 and email not like
        '%gmail.com' and email like '%.example' group by split_part(email, '@', 2) having count(distinct
        organization_id) > 1
    """,
    "startup credit": "select 1 from billing where startup_program = 'startup' and credit_balance_usd > 0",
    "a batch company": "select 1 from billing where startup_program = 'yc'",
    "startup credit on an invoice": "select 1 from mrr where credit_applied_usd > 0 and basis = 'startup_credit'",
    "credit that covers a part": "select 1 from mrr where credit_applied_usd > 0 and mrr_usd_month > 0",
    "a rolled-off startup": "select 1 from billing where startup_program is null and credit_expires_at is not null",
    "credit that expires within weeks": """
        select 1 from billing where startup_program is not null and credit_expires_at between '2026-11-04'
        and '2026-12-31'
    """,
    "a startup known by its metadata": "select 1 from objects where (j->>'$.metadata.is_startup_plan') = 'true'",
    "a purchase of credit at a discount": """
        select 1 from lines where product_key = 'credits' and discount > 0 and subscription is null
    """,
    "prepaid months": "select 1 from mrr where basis = 'prepaid' and discount_usd > 0",
    "a contract that was renewed": """
        select 1 from billing where annual_plan_end_at > annual_plan_start_at + interval 13 month
    """,
    "a limit that bites": """
        select 1 from rated where bill_usd = limit_usd and limit_usd < after_discount_usd and limit_usd > 0
    """,
    "a limit that does not": "select 1 from rated where limit_usd > after_discount_usd",
    "a limit of 0": "select 1 from rated where limit_usd = 0 and list_usd > 0 and bill_usd = 0",
    "a limit with cents": "select 1 from rated where limit_usd <> floor(limit_usd)",
    "a product off the plan": """
        select 1 from usage u join (select * from billing where has_active_subscription qualify row_number()
        over (partition by organization_id order by updated_at desc) = 1) b using (organization_id) where
        (survey_responses_count_in_period > 0 and not list_contains(subscribed_products, 'surveys')) or
        (rows_exported_in_period > 0 and not list_contains(subscribed_products, 'batch_exports')) or
        (workflow_emails_sent_in_period > 0 and not list_contains(subscribed_products, 'workflows_emails'))
        or (logs_mb_in_period > 0 and not list_contains(subscribed_products, 'logs')) or
        (cdp_billable_invocations_in_period > 0 and not list_contains(subscribed_products,
        'realtime_destinations'))
    """,
    "a trial that runs on the last day": """
        select 1 from billing where free_trial_until > '2026-11-04' and has_active_subscription
    """,
    "a trial that is over": "select 1 from billing where free_trial_until < '2026-10-01' and has_active_subscription",
    "a trial without a subscription": """
        select 1 from billing where free_trial_until is not null and not has_active_subscription
    """,
    "a draft invoice": "select 1 from invoices where status = 'draft'",
    "an open invoice": "select 1 from invoices where status = 'open'",
    "an uncollectible invoice": "select 1 from invoices where status = 'uncollectible'",
    "a void invoice that was made again": """
        select 1 from lines a join lines b using (customer, period_start, product_key) where a.status =
        'void' and b.status <> 'void'
    """,
    "an invoice of nothing": "select 1 from invoices where total = 0 and json_array_length(j->'lines'->'data') = 0",
    "an invoice that was open and then paid": """
        select 1 from sent where name = 'invoices' group by id having count(distinct j->>'status') > 1
    """,
    "a credit note with lines": """
        select 1 from objects where name = 'credit_notes' and json_array_length(j->'lines'->'data') > 0 and
        (j->>'refund') is null and (j->>'status') = 'issued'
    """,
    "a credit note without lines": """
        select 1 from objects where name = 'credit_notes' and
        coalesce(json_array_length(j->'lines'->'data'), 0) = 0
    """,
    "a void credit note": "select 1 from objects where name = 'credit_notes' and (j->>'status') = 'void'",
    "a refund with a credit note": "select 1 from objects where name = 'credit_notes' and (j->>'refund') is not null",
    "a refund without one": "select 1 from invoices where (j->>'$.metadata.refund_id') is not null",
    "a credit note in another currency": """
        select 1 from objects where name = 'credit_notes' and (j->>'currency') <> 'usd'
    """,
    "proration": "select 1 from lines where proration group by id having min(amount) < 0 and max(amount) > 0",
    "a one-off line": "select 1 from lines where subscription is null and product_key = 'platform'",
    "a line of a year": """
        select 1 from lines where period_end > period_start + interval 360 day and subscription is not null
    """,
    "a line of a quarter": """
        select 1 from lines where period_end between period_start + interval 85 day and period_start +
        interval 95 day and subscription is not null
    """,
    "a package billed in advance": """
        select 1 from lines where product_key = 'scale' and period_start > created - interval 1 day
    """,
    "a coupon": """
        select 1 from objects where name = 'customers' and (j->>'$.discount.coupon.percent_off')::double > 0
    """,
    "a discount that ended": """
        select 1 from billing group by organization_id having max(discount_percent) > 0 and
        max_by(discount_percent, updated_at) = 0
    """,
    "euros": "select 1 from lines where currency = 'eur' and discount > 0",
    "yen": "select 1 from lines where currency = 'jpy' and amount > 0",
    "pounds": "select 1 from lines where currency = 'gbp'",
    "tax in the old shape": "select 1 from invoices where (j->>'tax')::bigint > 0",
    "tax in the new shape": "select 1 from invoices where (j->>'$.total_taxes[0].amount')::bigint > 0",
    "a line for each tier": """
        select 1 from lines where product_key = 'session_replay' group by id having count(*) > 2
    """,
    "lines in the old shape": "select 1 from lines where is_old_shape and subscription is not null",
    "lines in the new shape": "select 1 from lines where not is_old_shape and subscription is not null",
    "a test-mode invoice": "select 1 from invoices where not livemode",
    "a deleted customer with invoices": """
        select 1 from objects join invoices on customer = objects.id where (objects.j->>'deleted') = 'true'
    """,
    "an unmapped product": "select 1 from lines where product_key = 'browser_agent' and subscription is not null",
    "credit that is a kindness": """
        select 1 from invoices join accounts on stripe_customer_id = customer where ending_balance >
        starting_balance and organization_id not in (select organization_id from billing where
        startup_program is not null or annual_plan_start_at is not null)
    """,
    "a period that ends with the month": "select 1 from rated where day(period_end) = 1",
    "a period that starts on the 31st": "select 1 from rated where day(period_start) = 31",
    "an internal organization that is billed": """
        select 1 from organizations join accounts on organization_id = id join invoices on customer =
        stripe_customer_id where for_internal_metrics
    """,
    "an internal organization with usage": """
        select 1 from organizations join usage on organization_id = id where for_internal_metrics and
        event_count_in_period > 0
    """,
    "staff in a customer's organization": """
        select 1 from users u join memberships on user_id = u.id join organizations o on o.id =
        organization_id where is_staff and not for_internal_metrics
    """,
    "a user of two organizations": """
        select 1 from memberships group by user_id having count(distinct organization_id) > 1
    """,
    "a membership that was raised": "select 1 from memberships group by organization_id, user_id having count(*) > 1",
    "a user who came back": "select 1 from users group by id having count(*) > 1",
    "free mail": "select 1 from users where email like '%@gmail.com'",
    "a subdomain": "select 1 from users where email like '%@eng.%.example'",
    "a new name": "select 1 from organization_versions group by id having count(distinct name) > 1",
    "an organization that billing does not know": """
        select 1 from organizations where id not in (select organization_id from billing)
    """,
    "no headcount": "select 1 from companies where employees = 0",
    "a stale enrichment": """
        select 1 from companies group by domain having max(enriched_at) < '2025-10-31' and max(employees) >
        0
    """,
    "an enrichment that found nothing": "select 1 from companies where status = 'not_found'",
    "a company that was looked up again": "select 1 from companies group by domain having count(*) > 1",
    "a public company": "select 1 from companies where company_type = 'public' and ipo_date is not null",
    "a list value with a batch": "select 1 from companies where accelerator = 'Y Combinator Winter 2020'",
    "a leading investor": "select 1 from companies where list_contains(investors, 'Sequoia Capital')",
    "millions of consumers": "select 1 from companies where consumer_monthly_active_users >= 1000000",
    "an account that nobody may write to": "select 1 from crm_accounts where do_not_contact",
    "an account that lost its owner": """
        select 1 from crm_accounts group by id having bool_or(owner_email is not null) and
        max_by(owner_email is null, updated_at)
    """,
    "an account without an organization": "select 1 from crm_accounts where organization_id is null",
    "new business": "select 1 from opportunities where type = 'new_business'",
    "expansion": "select 1 from opportunities where type = 'expansion'",
    "renewal": "select 1 from opportunities where type = 'renewal'",
    "spend without a channel": "select 1 from spend where channel is null",
    "a month that spiked": """
        select 1 from mrr a join mrr b on a.customer_id = b.customer_id and b.month = a.month + interval 1
        month where b.list_usd > 2 * a.list_usd and b.refund_usd > 0
    """,
    "a customer that paused": """
        select 1 from mrr a join mrr b on a.customer_id = b.customer_id and b.month > a.month join mrr c on
        a.customer_id = c.customer_id and c.month > b.month where a.mrr_usd_month > 0 and b.mrr_usd_month =
        0 and c.mrr_usd_month > 0
    """,
    "a customer that left": """
        select 1 from mrr group by customer_id having max(mrr_usd_month) > 0 and max_by(mrr_usd_month,
        month) = 0
    """,
}
