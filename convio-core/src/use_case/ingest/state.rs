//! States and provinces as their codes, where they are known.

/// The code of a state of the US, Canada or Australia, by name or code, without regard to case; anything else stays as it
/// was written.
pub(super) fn state_code(text: String) -> String {
    let is_code = |text: &str| STATES.iter().any(|(code, _)| *code == text);
    if is_code(&text) {
        return text; // as most are sent
    }
    let key = text.to_lowercase().replace('.', "");
    let found = STATES.iter().find(|(code, name)| *name == key || code.eq_ignore_ascii_case(&key));
    found.map_or(text, |(code, _)| (*code).to_owned())
}

/// ISO 3166-2 subdivisions of the United States (with districts and territories), Canada and Australia.
#[rustfmt::skip]
const STATES: &[(&str, &str)] = &[
    ("AL", "alabama"), ("AK", "alaska"), ("AZ", "arizona"), ("AR", "arkansas"), ("CA", "california"), ("CO", "colorado"),
    ("CT", "connecticut"), ("DE", "delaware"), ("DC", "district of columbia"), ("FL", "florida"), ("GA", "georgia"),
    ("HI", "hawaii"), ("ID", "idaho"), ("IL", "illinois"), ("IN", "indiana"), ("IA", "iowa"), ("KS", "kansas"),
    ("KY", "kentucky"), ("LA", "louisiana"), ("ME", "maine"), ("MD", "maryland"), ("MA", "massachusetts"),
    ("MI", "michigan"), ("MN", "minnesota"), ("MS", "mississippi"), ("MO", "missouri"), ("MT", "montana"),
    ("NE", "nebraska"), ("NV", "nevada"), ("NH", "new hampshire"), ("NJ", "new jersey"), ("NM", "new mexico"),
    ("NY", "new york"), ("NC", "north carolina"), ("ND", "north dakota"), ("OH", "ohio"), ("OK", "oklahoma"),
    ("OR", "oregon"), ("PA", "pennsylvania"), ("PR", "puerto rico"), ("RI", "rhode island"), ("SC", "south carolina"),
    ("SD", "south dakota"), ("TN", "tennessee"), ("TX", "texas"), ("UT", "utah"), ("VT", "vermont"), ("VA", "virginia"),
    ("WA", "washington"), ("WV", "west virginia"), ("WI", "wisconsin"), ("WY", "wyoming"), ("AS", "american samoa"),
    ("GU", "guam"), ("MP", "northern mariana islands"), ("VI", "us virgin islands"),
    ("AB", "alberta"), ("BC", "british columbia"), ("MB", "manitoba"), ("NB", "new brunswick"),
    ("NL", "newfoundland and labrador"), ("NS", "nova scotia"), ("NT", "northwest territories"), ("NU", "nunavut"),
    ("ON", "ontario"), ("PE", "prince edward island"), ("QC", "quebec"), ("SK", "saskatchewan"), ("YT", "yukon"),
    ("ACT", "australian capital territory"), ("NSW", "new south wales"), ("QLD", "queensland"), ("SA", "south australia"),
    ("TAS", "tasmania"), ("VIC", "victoria"), ("WA", "western australia"), ("NT", "northern territory"),
];

#[cfg(test)]
mod tests {
    use super::state_code;

    #[test]
    fn names_and_codes_become_codes_and_the_rest_stays() {
        assert_eq!(state_code("california".to_owned()), "CA");
        assert_eq!(state_code("ca".to_owned()), "CA");
        assert_eq!(state_code("vic".to_owned()), "VIC");
        assert_eq!(state_code("N.S.W.".to_owned()), "NSW");
        assert_eq!(state_code("Bayern".to_owned()), "Bayern");
    }
}
