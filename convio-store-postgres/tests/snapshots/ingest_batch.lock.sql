-- uuid
SELECT commits FROM convio.head WHERE workspace_id = $1 FOR NO KEY UPDATE
