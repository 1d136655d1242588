//! The rules that every table keeps, read from the catalog.

use crate::support::with_database;

#[test]
fn every_rule_of_the_schema_holds() {
    with_database(async |db| {
        for (rule, breaches) in RULES {
            let found = db.column::<String>(breaches).await;
            assert!(found.is_empty(), "{rule}: {found:?}");
        }
    });
}

#[test]
fn the_indexes_are_these() {
    with_database(async |db| {
        let indexes = "SELECT concat_ws(' ', i.relname, CASE WHEN NOT x.indisunique THEN 'not unique' END,
                regexp_replace(pg_get_indexdef(i.oid), '^.*btree ', ''))
            FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
            WHERE i.relnamespace = 'convio'::regnamespace ORDER BY 1";
        let expected = [
            "claim_pkey (workspace_id, webhook_id, kind, value)",
            "contact_key_contact_idx not unique (workspace_id, contact_id)",
            "contact_key_pkey (workspace_id, scope, kind, value)",
            "contact_number_key (workspace_id, number)",
            "contact_pkey (workspace_id, id)",
            "event_contact_key (workspace_id, contact_id, contact_seq) WHERE (contact_seq IS NOT NULL)",
            "event_lead_key (workspace_id, lead_id, lead_seq) WHERE (lead_seq IS NOT NULL)",
            "event_pkey (workspace_id, \"position\")",
            "event_subject_key (workspace_id, subject_kind, subject_id, subject_seq) WHERE (subject_seq IS NOT NULL)",
            "head_pkey (workspace_id)",
            "lead_contact_idx not unique (workspace_id, contact_id, id)",
            "lead_pkey (workspace_id, id)",
            "payload_pkey (workspace_id, id)",
            "repeat_window_pkey (workspace_id, contact_id, key)",
            "rollup_pkey (workspace_id, cube, day, d1, d2, d3)",
        ];
        assert_eq!(db.column::<String>(indexes).await, expected);
    });
}

/// Rule, and a query for the names of what breaks it.
const RULES: [(&str, &str); 6] = [
    (
        "workspace_id leads every index",
        "SELECT i.relname::text FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
           JOIN pg_attribute a ON a.attrelid = i.oid AND a.attnum = 1
         WHERE i.relnamespace = 'convio'::regnamespace AND a.attname <> 'workspace_id'",
    ),
    (
        "every table has a primary key",
        "SELECT t.relname::text FROM pg_class t WHERE t.relnamespace = 'convio'::regnamespace AND t.relkind = 'r'
           AND NOT EXISTS (SELECT FROM pg_index x WHERE x.indrelid = t.oid AND x.indisprimary)",
    ),
    (
        "a name has at most 45 bytes",
        "SELECT name::text FROM (SELECT relname FROM pg_class WHERE relnamespace = 'convio'::regnamespace
           UNION ALL SELECT conname FROM pg_constraint WHERE connamespace = 'convio'::regnamespace) named (name)
         WHERE octet_length(name::text) > 45",
    ),
    (
        "no trigger, sequence or foreign key",
        "SELECT tgname::text FROM pg_trigger JOIN pg_class t ON t.oid = tgrelid WHERE t.relnamespace = 'convio'::regnamespace
         UNION ALL SELECT relname::text FROM pg_class WHERE relkind = 'S' AND relnamespace = 'convio'::regnamespace
         UNION ALL SELECT conname::text FROM pg_constraint WHERE contype = 'f' AND connamespace = 'convio'::regnamespace",
    ),
    (
        "text in an index compares as bytes",
        "SELECT i.relname::text FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
           JOIN pg_attribute a ON a.attrelid = i.oid
         WHERE i.relnamespace = 'convio'::regnamespace AND a.attcollation NOT IN (0, '\"C\"'::regcollation)",
    ),
    (
        "the head keeps room for its next versions",
        "SELECT relname::text FROM pg_class WHERE oid = 'convio.head'::regclass
           AND NOT coalesce(reloptions @> '{fillfactor=50}', false)",
    ),
];
