use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;

/// Something that someone does. Small numbers stand for things: the n-th name, phone, lead made so far.
#[derive(Debug, Clone)]
pub(crate) enum Op {
    Set(Setting),
    Ingest(Shape),
    /// The same lead once more.
    Again(u8),
    /// Rows, and whether all or none are taken.
    Batch(Vec<Shape>, bool),
    /// The rejection, the field, the value.
    Correct(u8, u8, u8),
    Release(u8),
    /// The lead, whether it must be as it was last seen, and what is changed.
    Lead(u8, bool, Change),
    /// At most so many leads.
    Expire(u8),
    /// The page that is seated.
    Seat(u8),
    /// The lead.
    Book(u8, Visit),
    /// The appointment, whether it must be as it was last seen, and what becomes of it.
    Visit(u8, bool, Turn),
    Convert(Sale),
    /// The conversion, and whether it must be as it was last seen.
    Void(u8, bool),
    /// The conversion, whether it must be as it was last seen, what changes its worth, by how much, under which external id.
    Adjust(u8, bool, u8, u8, Option<u8>),
    /// The conversion, whether it must be as it was last seen, why and how its lead comes back.
    Return(u8, bool, u8),
    /// The conversion, whether it must be as it was last seen, its n-th commission, and what becomes of it.
    Commission(u8, bool, u8, u8),
    /// Whose touch: a lead's contact or a visitor; its source, external id, and how many hours ago.
    Track(Result<u8, u8>, u8, Option<u8>, Option<u16>),
    /// The lead whose contact a visitor is.
    Identify(u8, u8),
    /// The leads whose contacts turn out to be one.
    Merge(u8, u8),
    /// The contact, of those that were merged.
    Unmerge(u8),
    /// The conversion.
    Reattribute(u8),
    /// Minutes.
    Advance(u16),
    /// A change set that fails in its last part.
    Fail(Shape),
    /// A lead written at a version that is off by this.
    WriteLead(u8, i8),
}

/// What is set for all that comes after it.
#[derive(Debug, Clone)]
pub(crate) enum Setting {
    CreateWebhook(u8, Settings),
    ConfigureWebhook(u8, Settings),
    DeleteWebhook(u8),
    RestoreWebhook(u8),
    /// The zone, whether it is active, the pipeline, and how old leads may become, in days.
    Workspace(u8, bool, u8, Option<u8>),
    /// The provider, and whether it is a new one.
    Provider(u8, Sender, bool),
    /// How many permissions, and the provider, by its place.
    CreateKey(u8, Option<u8>),
    RevokeKey(u8),
    /// The calendar of a target, and how it is set.
    Calendar(u8, u8),
    /// How many models, and the days that they look back.
    Attribution(u8, u8),
    /// What a euro is worth, in tenths of the workspace's currency.
    Rates(u8),
    /// Per rule its product, its postal code and its priority.
    Publish(Vec<(Option<u8>, Option<u8>, i8)>),
}

/// What someone changes of a lead.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    /// The status, and why.
    Move(u8, Option<u8>),
    Assign(Option<u8>),
    /// In how many hours.
    FollowUp(Option<u16>),
    Prioritise(u8),
    Note(u8),
    /// Whether the person was reached, and how many hours ago.
    Attempt(bool, i16),
    Delete,
    Restore,
}

/// An appointment to be booked.
#[derive(Debug, Clone)]
pub(crate) struct Visit {
    /// In how many hours.
    pub(crate) hours: i16,
    pub(crate) kind: u8,
    pub(crate) place: Option<u8>,
    pub(crate) target: Option<u8>,
    pub(crate) external: Option<u8>,
    pub(crate) hours_ago: Option<i16>,
}

/// What becomes of an appointment.
#[derive(Debug, Clone)]
pub(crate) enum Turn {
    Confirm,
    Assign(u8),
    /// Why.
    Decline(Option<u8>),
    Route,
    /// Whether the customer called it off, and why.
    Cancel(bool, Option<u8>),
    NoShow,
    /// In how many hours.
    Reschedule(i16),
    /// How it ended; the value if it was sold; the external id of its conversion; how many hours ago.
    Complete(u8, u8, Option<u8>, Option<i16>),
}

/// A conversion to be recorded.
#[derive(Debug, Clone)]
pub(crate) struct Sale {
    pub(crate) lead: u8,
    pub(crate) value: u8,
    pub(crate) kind: u8,
    pub(crate) external: Option<u8>,
    pub(crate) hours_ago: Option<u16>,
    /// The appointment that it came from.
    pub(crate) visit: Option<u8>,
}

/// What is set on a provider.
#[derive(Debug, Clone)]
pub(crate) struct Sender {
    pub(crate) inactive: bool,
    /// The one webhook that it may use, by its place.
    pub(crate) webhook: Option<u8>,
    pub(crate) per_hour: Option<u8>,
    pub(crate) per_day: Option<u8>,
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
    pub(crate) provider: Option<u8>,
    pub(crate) visit: Option<Visit>,
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

/// Lists of up to so many operations, each done by one of two processes. Every list begins with a pipeline, three webhooks,
/// a provider and two leads, so that most of what follows finds something.
pub(crate) fn lists(most: usize) -> impl Strategy<Value = Vec<(bool, Op)>> {
    let first = (settings(), settings(), settings(), sender(), workspace(), shape(), shape());
    (vec((any::<bool>(), op()), 1..most), first).prop_map(|(mut ops, first)| {
        let (direct, google, bing, provider, (zone, pipeline, days), one, two) = first;
        let first = [
            Op::Set(Setting::ConfigureWebhook(0, direct)),
            Op::Set(Setting::CreateWebhook(1, google)),
            Op::Set(Setting::CreateWebhook(2, bing)),
            Op::Set(Setting::Provider(0, provider, true)),
            Op::Set(Setting::Workspace(zone, true, pipeline, days)),
            Op::Ingest(one),
            Op::Ingest(two),
        ];
        ops.splice(0..0, first.map(|op| (false, op)));
        ops
    })
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        10 => setting().prop_map(Op::Set),
        20 => shape().prop_map(Op::Ingest),
        5 => nth().prop_map(Op::Again),
        4 => (vec(shape(), 0..7), any::<bool>()).prop_map(|(rows, whole)| Op::Batch(rows, whole)),
        3 => (nth(), prop_oneof![3 => Just(0u8), 1 => 1..4u8], 0..6u8)
            .prop_map(|(nth, field, value)| Op::Correct(nth, field, value)),
        3 => nth().prop_map(Op::Release),
        12 => (nth(), at_times(), change()).prop_map(|(nth, seen, change)| Op::Lead(nth, seen, change)),
        3 => (0..6u8).prop_map(Op::Expire),
        2 => (1..6u8).prop_map(Op::Seat),
        6 => (nth(), visit()).prop_map(|(nth, visit)| Op::Book(nth, visit)),
        12 => (nth(), at_times(), turn()).prop_map(|(nth, seen, turn)| Op::Visit(nth, seen, turn)),
        9 => sale().prop_map(Op::Convert),
        4 => (nth(), at_times()).prop_map(|(nth, seen)| Op::Void(nth, seen)),
        4 => (nth(), at_times(), 0..5u8, 0..5u8, weighted(0.3, 0..3u8))
            .prop_map(|(nth, seen, how, value, id)| Op::Adjust(nth, seen, how, value, id)),
        2 => (nth(), at_times(), 0..8u8).prop_map(|(nth, seen, how)| Op::Return(nth, seen, how)),
        4 => (nth(), at_times(), 0..3u8, 0..8u8)
            .prop_map(|(nth, seen, which, what)| Op::Commission(nth, seen, which, what)),
        4 => (touched(), 0..3u8, weighted(0.2, 0..3u8), weighted(0.5, 0..400u16))
            .prop_map(|(of, source, id, ago)| Op::Track(of, source, id, ago)),
        2 => (nth(), 0..3u8).prop_map(|(nth, visitor)| Op::Identify(nth, visitor)),
        3 => (nth(), nth()).prop_map(|(from, into)| Op::Merge(from, into)),
        2 => nth().prop_map(Op::Unmerge),
        2 => nth().prop_map(Op::Reattribute),
        4 => select(vec![1u16, 59, 60, 61, 24 * 60, 72 * 60]).prop_map(Op::Advance),
        2 => shape().prop_map(Op::Fail),
        1 => (nth(), -1..2i8).prop_map(|(nth, off)| Op::WriteLead(nth, off)),
    ]
}

fn touched() -> impl Strategy<Value = Result<u8, u8>> {
    prop_oneof![nth().prop_map(Ok), (0..3u8).prop_map(Err)]
}

fn setting() -> impl Strategy<Value = Setting> {
    prop_oneof![
        1 => (3..4u8, settings()).prop_map(|(name, settings)| Setting::CreateWebhook(name, settings)),
        3 => (0..4u8, settings()).prop_map(|(name, settings)| Setting::ConfigureWebhook(name, settings)),
        1 => (0..4u8).prop_map(Setting::DeleteWebhook),
        1 => (0..4u8).prop_map(Setting::RestoreWebhook),
        3 => (workspace(), any::<u8>()).prop_map(|((zone, pipeline, days), one)| {
            Setting::Workspace(zone, one % 8 < 7, pipeline, days)
        }),
        2 => (0..3u8, sender(), any::<bool>()).prop_map(|(name, set, new)| Setting::Provider(name, set, new)),
        1 => (0..6u8, weighted(0.5, 0..3u8)).prop_map(|(n, provider)| Setting::CreateKey(n, provider)),
        1 => any::<u8>().prop_map(Setting::RevokeKey),
        2 => (0..4u8, 0..5u8).prop_map(|(target, how)| Setting::Calendar(target, how)),
        1 => (0..12u8, 0..20u8).prop_map(|(models, days)| Setting::Attribution(models, days)),
        1 => (1..20u8).prop_map(Setting::Rates),
        2 => vec((weighted(0.7, 0..3u8), weighted(0.7, 0..4u8), -2..3i8), 0..4).prop_map(Setting::Publish),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        9 => (prop_oneof![5 => 0..5u8, 3 => 5..10u8], weighted(0.6, 0..3u8))
            .prop_map(|(to, why)| Change::Move(to, why)),
        1 => weighted(0.7, 0..3u8).prop_map(Change::Assign),
        1 => weighted(0.7, 0..200u16).prop_map(Change::FollowUp),
        1 => (0..4u8).prop_map(Change::Prioritise),
        1 => (0..3u8).prop_map(Change::Note),
        3 => (any::<bool>(), ago()).prop_map(|(reached, ago)| Change::Attempt(reached, ago)),
        2 => Just(Change::Delete),
        2 => Just(Change::Restore),
    ]
}

fn visit() -> impl Strategy<Value = Visit> {
    let own = (weighted(0.3, 0..3u8), weighted(0.3, 0..4u8), weighted(0.3, 0..4u8), weighted(0.3, ago()));
    (select(vec![1i16, 30, 100, 5_000, -40, -2]), 0..3u8, own).prop_map(|(hours, kind, own)| {
        let (place, target, external, hours_ago) = own;
        Visit { hours, kind, place, target, external, hours_ago }
    })
}

fn turn() -> impl Strategy<Value = Turn> {
    let sold = (0..5u8, weighted(0.3, 0..4u8), weighted(0.3, ago()));
    prop_oneof![
        2 => Just(Turn::Confirm),
        2 => (0..4u8).prop_map(Turn::Assign),
        3 => weighted(0.5, 0..3u8).prop_map(Turn::Decline),
        2 => Just(Turn::Route),
        2 => (any::<bool>(), weighted(0.5, 0..3u8)).prop_map(|(customer, why)| Turn::Cancel(customer, why)),
        2 => Just(Turn::NoShow),
        3 => select(vec![2i16, 26, 300]).prop_map(Turn::Reschedule),
        6 => (0..4u8, sold).prop_map(|(how, (value, id, ago))| Turn::Complete(how, value, id, ago)),
    ]
}

fn sale() -> impl Strategy<Value = Sale> {
    let own = (weighted(0.4, 0..4u8), weighted(0.7, 0..400u16), weighted(0.2, any::<u8>()));
    // One lead is sold again and again, so that what is voided is not all that it was sold for.
    let lead = prop_oneof![1 => any::<u8>(), 1 => Just(0u8)];
    (lead, 0..5u8, 0..2u8, own).prop_map(|(lead, value, kind, (external, hours_ago, visit))| Sale {
        lead,
        value,
        kind,
        external,
        hours_ago,
        visit,
    })
}

/// The zone, the pipeline, and how old leads may become.
fn workspace() -> impl Strategy<Value = (u8, u8, Option<u8>)> {
    (0..3u8, select(vec![0u8, 1, 2, 2, 3]), weighted(0.6, select(vec![1u8, 1, 5, 30])))
}

fn sender() -> impl Strategy<Value = Sender> {
    let limits = (weighted(0.1, 1..6u8), weighted(0.1, 1..6u8));
    (seldom(), weighted(0.1, 0..3u8), limits).prop_map(|(inactive, webhook, (per_hour, per_day))| Sender {
        inactive,
        webhook,
        per_hour,
        per_day,
    })
}

fn shape() -> impl Strategy<Value = Shape> {
    let spelling = prop_oneof![3 => 0..2u8, 2 => 2..12u8];
    let person = ((0..4u8, spelling), weighted(0.4, 0..4u8), weighted(0.7, 0..4u8), weighted(0.4, 0..5u8));
    let interest =
        (weighted(0.5, 0..3u8), weighted(0.4, 0..4u8), weighted(0.3, 0..4u8), weighted(0.2, 0..4u8));
    let arrival = (
        prop_oneof![9 => Just(0u8), 9 => 1..3u8, 1 => Just(3u8), 1 => Just(9u8)],
        0..3u8,
        weighted(0.3, 0..900u16),
    );
    let sent = (weighted(0.3, prop_oneof![9 => Just(0u8), 1 => 1..3u8]), weighted(0.25, visit()));
    let rest = (any::<bool>(), seldom(), seldom());
    (person, interest, arrival, sent, rest).prop_map(|(person, interest, arrival, sent, rest)| {
        let ((phone, email, name, zip), (product, source, key, external)) = (person, interest);
        let ((webhook, format, hours_ago), (provider, visit), (extra, test, broken)) = (arrival, sent, rest);
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
            provider,
            visit,
            extra,
            test,
            broken,
        }
    })
}

fn settings() -> impl Strategy<Value = Settings> {
    let kinds = prop_oneof![4 => Just(0u8), 3 => 1..5u8];
    let keys = (kinds, at_times(), at_times().prop_map(|not| !not), seldom(), at_times());
    let gates = ((0..3u8, weighted(0.8, 0..40u8)), seldom(), select(vec![1u8, 72]), weighted(0.2, 1..6u8));
    (keys, gates, (0..3u8, seldom(), weighted(0.4, 0..4u8))).prop_map(|(keys, gates, rest)| {
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

/// One of the things made so far: now and then the first one, so that it sees more than the others.
fn nth() -> impl Strategy<Value = u8> {
    prop_oneof![3 => any::<u8>(), 1 => Just(0u8)]
}

/// How many hours ago; now and then in what is to come.
fn ago() -> impl Strategy<Value = i16> {
    prop_oneof![7 => 0..90i16, 1 => -9..0i16]
}

// What is usual is said by small numbers, so that a list is made shorter by making it more usual.
fn seldom() -> impl Strategy<Value = bool> {
    any::<u8>().prop_map(|one| one >= 240)
}

fn at_times() -> impl Strategy<Value = bool> {
    any::<u8>().prop_map(|one| one >= 192)
}
