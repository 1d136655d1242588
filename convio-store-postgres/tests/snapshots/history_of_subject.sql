-- uuid, uuid, bigint, bigint, text
SELECT 0::int2 AS set, ROW(x.workspace_id, x.position, x.at, x.kind, x.contact_id, x.contact_seq, x.lead_id, x.lead_seq, x.subject_kind, x.subject_id, x.subject_seq, x.contact_number, x.duplicate_of, x.actor, x.request, x.causation, x.facts::text, x.personal::text) AS cells FROM convio.event AS x WHERE x.workspace_id = $1 AND x.subject_kind = $5 AND x.subject_id = $2 AND x.subject_seq > $3
    ORDER BY x.subject_seq LIMIT $4
