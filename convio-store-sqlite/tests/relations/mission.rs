//! The mission document, as it is kept in `docs/mission.md`.

/// The queries of the document, byte for byte: what stands between the fences, without their indentation.
pub(crate) fn queries() -> Vec<String> {
    let sections = MISSION.split("```sql\n").skip(1);
    let queries = sections.map(|section| section.split("   ```").next().unwrap());
    queries.map(|query| query.trim_matches([' ', '\n']).to_owned()).collect()
}

/// The tables that it calls the most important ones, each with its key fields.
pub(crate) fn key_fields() -> Vec<(String, Vec<String>)> {
    let rows = MISSION.lines().filter_map(|line| line.strip_prefix("| **"));
    let row = |line: &str| {
        let (table, rest) = line.split_once("** |")?;
        let fields = rest.trim_end_matches(['|', ' ']).rsplit_once('|')?.1;
        Some((table.to_owned(), fields.split(',').map(|field| field.trim().to_owned()).collect()))
    };
    rows.map(|line| row(line).unwrap()).collect()
}

pub(crate) const MISSION: &str = include_str!("../../../docs/mission.md");
