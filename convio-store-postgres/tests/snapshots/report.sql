-- uuid, smallint, date, date
SELECT 0::int2 AS set, ROW(x.workspace_id, x.cube, x.day, x.d1, x.d2, x.d3, x.n0, x.n1, x.n2, x.n3, x.n4, x.n5, x.last_at) AS cells FROM convio.rollup AS x WHERE x.workspace_id = $1 AND x.cube = $2 AND x.day BETWEEN $3 AND $4 ORDER BY x.day, x.d1, x.d2, x.d3
