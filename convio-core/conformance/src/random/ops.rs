use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;

/// Something that someone does. Small numbers stand for things: the n-th name, phone, lead made so far.
#[derive(Debug, Clone)]
pub(crate) enum Op {
    CreateWebhook(u8, Settings),
    ConfigureWebhook(u8, Settings),
    DeleteWebhook(u8),
    RestoreWebhook(u8),
    /// The zone, and whether it is active.
    ConfigureWorkspace(u8, bool),
    Ingest(Shape),
    /// The same lead once more.
    Again(u8),
    /// Rows, and whether all or none are taken.
    Batch(Vec<Shape>, bool),
    /// The rejection, the field, the value.
    Correct(u8, u8, u8),
    Release(u8),
    /// Per rule its product, its postal code and its priority.
    Publish(Vec<(Option<u8>, Option<u8>, i8)>),
    Book(u8),
    /// The appointment, and what it was sold for.
    Complete(u8, Option<u8>),
    /// The lead, the value, how many hours ago.
    Convert(u8, u8, u16),
    /// Minutes.
    Advance(u16),
    /// A change set that fails in its last part.
    Fail(Shape),
    /// A lead written at a version that is off by this.
    WriteLead(u8, i8),
}

/// A lead as it comes in.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub(crate) webhook: u8,
    pub(crate) format: u8,
    pub(crate) phone: (u8, u8),
    pub(crate) email: Option<u8>,
    pub(crate) name: Option<u8>,
    pub(crate) zip: Option<u8>,
    pub(crate) product: Option<u8>,
    pub(crate) source: Option<u8>,
    pub(crate) key: Option<u8>,
    pub(crate) external: Option<u8>,
    pub(crate) hours_ago: Option<u16>,
    pub(crate) extra: bool,
    pub(crate) test: bool,
    pub(crate) broken: bool,
}

/// What is set on a webhook.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) keys: u8,
    pub(crate) own_scope: bool,
    pub(crate) region: bool,
    pub(crate) valid_only: bool,
    pub(crate) strict: bool,
    pub(crate) repeat: (u8, Option<u8>),
    pub(crate) required: bool,
    pub(crate) hours: u8,
    pub(crate) rank: u8,
    pub(crate) limit: Option<u8>,
    pub(crate) inactive: bool,
    pub(crate) source: Option<u8>,
}

/// Lists of up to so many operations, each done by one of two processes. Every list begins with three webhooks, so that
/// most leads find one.
pub(crate) fn lists(most: usize) -> impl Strategy<Value = Vec<(bool, Op)>> {
    let webhooks = (settings(), settings(), settings());
    (vec((any::<bool>(), op()), 1..most), webhooks).prop_map(|(mut ops, (direct, google, bing))| {
        let first =
            [Op::ConfigureWebhook(0, direct), Op::CreateWebhook(1, google), Op::CreateWebhook(2, bing)];
        ops.splice(0..0, first.map(|op| (false, op)));
        ops
    })
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        1 => (3..4u8, settings()).prop_map(|(name, settings)| Op::CreateWebhook(name, settings)),
        3 => (0..4u8, settings()).prop_map(|(name, settings)| Op::ConfigureWebhook(name, settings)),
        1 => (0..4u8).prop_map(Op::DeleteWebhook),
        1 => (0..4u8).prop_map(Op::RestoreWebhook),
        1 => (0..3u8, any::<u8>()).prop_map(|(zone, one)| Op::ConfigureWorkspace(zone, one % 8 < 7)),
        18 => shape().prop_map(Op::Ingest),
        6 => any::<u8>().prop_map(Op::Again),
        4 => (vec(shape(), 0..7), any::<bool>()).prop_map(|(rows, whole)| Op::Batch(rows, whole)),
        2 => (any::<u8>(), 0..4u8, 0..6u8).prop_map(|(nth, field, value)| Op::Correct(nth, field, value)),
        3 => any::<u8>().prop_map(Op::Release),
        1 => vec((weighted(0.7, 0..3u8), weighted(0.7, 0..4u8), -2..3i8), 0..4).prop_map(Op::Publish),
        4 => any::<u8>().prop_map(Op::Book),
        3 => (any::<u8>(), weighted(0.6, 0..5u8)).prop_map(|(nth, value)| Op::Complete(nth, value)),
        3 => (any::<u8>(), 0..5u8, 0..400u16).prop_map(|(nth, value, hours)| Op::Convert(nth, value, hours)),
        3 => select(vec![1u16, 59, 60, 61, 24 * 60, 72 * 60]).prop_map(Op::Advance),
        2 => shape().prop_map(Op::Fail),
        1 => (any::<u8>(), -1..2i8).prop_map(|(nth, off)| Op::WriteLead(nth, off)),
    ]
}

fn shape() -> impl Strategy<Value = Shape> {
    // What is usual is said by small numbers, so that a list is made shorter by making it more usual.
    let rarely = || any::<u8>().prop_map(|one| one >= 240);
    let person = ((0..4u8, 0..12u8), weighted(0.4, 0..4u8), weighted(0.7, 0..4u8), weighted(0.4, 0..5u8));
    let interest =
        (weighted(0.5, 0..3u8), weighted(0.4, 0..4u8), weighted(0.3, 0..4u8), weighted(0.2, 0..4u8));
    let arrival = (
        prop_oneof![6 => Just(0u8), 6 => 1..3u8, 1 => Just(3u8), 1 => Just(9u8)],
        0..3u8,
        weighted(0.3, 0..900u16),
    );
    let rest = (any::<bool>(), rarely(), rarely());
    (person, interest, arrival, rest).prop_map(|(person, interest, arrival, rest)| {
        let ((phone, email, name, zip), (product, source, key, external)) = (person, interest);
        let ((webhook, format, hours_ago), (extra, test, broken)) = (arrival, rest);
        Shape {
            webhook,
            format,
            phone,
            email,
            name,
            zip,
            product,
            source,
            key,
            external,
            hours_ago,
            extra,
            test,
            broken,
        }
    })
}

fn settings() -> impl Strategy<Value = Settings> {
    let often_not = || any::<u8>().prop_map(|one| one >= 192);
    let rarely = || any::<u8>().prop_map(|one| one >= 240);
    let kinds = prop_oneof![4 => Just(0u8), 3 => 1..5u8];
    let keys = (kinds, often_not(), often_not().prop_map(|not| !not), rarely(), often_not());
    let gates = ((0..3u8, weighted(0.8, 0..40u8)), rarely(), select(vec![1u8, 72]), weighted(0.2, 1..6u8));
    (keys, gates, (0..3u8, rarely(), weighted(0.4, 0..4u8))).prop_map(|(keys, gates, rest)| {
        let (keys, own_scope, region, valid_only, strict) = keys;
        let ((repeat, required, hours, limit), (rank, inactive, source)) = (gates, rest);
        Settings {
            keys,
            own_scope,
            region,
            valid_only,
            strict,
            repeat,
            required,
            hours,
            rank,
            limit,
            inactive,
            source,
        }
    })
}
