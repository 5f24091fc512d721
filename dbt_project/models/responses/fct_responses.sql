{#- The first word from us since the day of the entry answers it. Without a CRM nobody knows of any, and what is not known
    is not unanswered. -#}
with accounts as (
    select distinct account_id, customer_id
    from {{ ref('int_account_owners') }}
),

contacts as (
    select accounts.customer_id, activities.happened_at as contacted_at
    from {{ ref('stg_crm__activities') }} as activities
    inner join accounts on activities.account_id = accounts.account_id
    where activities.is_contact

    union

    select accounts.customer_id, versions.last_contacted_at
    from {{ ref('stg_crm__accounts') }} as versions
    inner join accounts on versions.account_id = accounts.account_id
    where versions.last_contacted_at is not null
),

crm as (
    select count(*) > 0 as is_known
    from {{ ref('stg_crm__accounts') }}
),

answers as (
    select
        entries.customer_id,
        entries.list_name,
        entries.reason,
        entries.role,
        entries.known_at,
        min(entries.ended_at) as ended_at,
        min(
            case when entries.list_name = 'support_tickets' then entries.first_answered_at else contacts.contacted_at end
        ) as first_contact_at
    from {{ ref('int_response_entries') }} as entries
    cross join {{ ref('int_data_day') }} as data_day
    left join contacts
        on entries.customer_id = contacts.customer_id
        and entries.list_name <> 'support_tickets'
        and contacts.contacted_at >= entries.counts_from_at
        and contacts.contacted_at < data_day.as_of_ts
        and coalesce(contacts.contacted_at < entries.ended_at, true)
    group by entries.customer_id, entries.list_name, entries.reason, entries.role, entries.known_at
),

judged as (
    select
        answers.*,
        data_day.as_of_date,
        crm.is_known or answers.list_name = 'support_tickets' as is_known,
        coalesce(answers.first_contact_at, answers.ended_at, data_day.as_of_ts) as waited_until
    from answers
    cross join crm
    cross join {{ ref('int_data_day') }} as data_day
)

select
    judged.list_name,
    judged.customer_id,
    judged.reason,
    judged.role,
    judged.known_at,
    judged.first_contact_at,
    case
        when not judged.is_known then 'unknown'
        when judged.first_contact_at is not null then 'answered'
        when judged.ended_at is not null then 'ended_unanswered'
        else 'waiting'
    end as outcome,
    cast(
        case
            when judged.is_known
                then greatest({{ dbt.datediff('judged.known_at', 'judged.waited_until', 'minute') }}, 0)
        end as int
    ) as waited_minutes,
    judged.as_of_date
from judged
