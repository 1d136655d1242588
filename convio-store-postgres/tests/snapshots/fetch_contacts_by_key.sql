-- uuid, uuid, smallint, text
SELECT 0::int2 AS set, ROW(x.workspace_id, x.id, x.number, x.first_name, x.last_name, x.email, x.phone, x.phone_validity, x.phone_ext, x.street, x.street2, x.city, x.state, x.postal_code, x.country, x.stamps, x.first_source, x.first_lead, x.first_at, x.leads, x.customer_since, x.conversions, x.lifetime::text, x.merged_into, x.created_at, x.version) AS cells FROM convio.contact AS x WHERE x.workspace_id = $1 AND x.id = (SELECT k.contact_id FROM convio.contact_key AS k
    WHERE k.workspace_id = $1 AND k.scope = $2 AND k.kind = $3 AND k.value = $4)
