-- uuid, uuid, bigint, text, timestamp with time zone, timestamp with time zone, bigint, boolean
SELECT 0::int2 AS set, ROW(x.workspace_id, x.id, x.number, x.first_name, x.last_name, x.email, x.phone, x.phone_validity, x.phone_ext, x.street, x.street2, x.city, x.state, x.postal_code, x.country, x.stamps, x.first_source, x.first_lead, x.first_at, x.leads, x.customer_since, x.conversions, x.lifetime::text, x.merged_into, x.created_at, x.version) AS cells FROM convio.contact AS x WHERE x.workspace_id = $1 AND x.phone = $4 AND x.id > $2 AND x.leads >= $7
    AND x.created_at >= coalesce($5::timestamptz, '-infinity') AND x.created_at < coalesce($6::timestamptz, 'infinity')
    AND ($8 OR x.merged_into IS NULL) ORDER BY x.id LIMIT $3
