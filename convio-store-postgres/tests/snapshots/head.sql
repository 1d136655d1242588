-- uuid
SELECT 0::int2 AS set, ROW(x.workspace_id, x.feed, x.contacts, x.config, x.commits) AS cells FROM convio.head AS x WHERE x.workspace_id = $1
