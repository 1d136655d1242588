//! Stores that are wrong on purpose: the model with one mistake each, and the case that finds it. The suite is tested by
//! them: a mistake that no case finds is a hole in the suite.

macro_rules! bugs {
    ($($(#[$doc:meta])+ $bug:ident => $topic:ident::$case:ident,)+) => {
        /// One mistake of a store. The model makes it when it is told to.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Bug {
            $($(#[$doc])+ $bug,)+
        }

        /// Every mistake, with the case that must fail on a store that makes it.
        pub const KILLS: &[(Bug, &str)] = &[
            $((Bug::$bug, concat!(stringify!($topic), "::", stringify!($case))),)+
        ];
    };
}

bugs! {
    // One query that forgets the workspace.
    /// Webhooks are fetched by id alone.
    FetchesWebhooksOfAnyone => isolation::webhooks_are_seen_by_their_workspace_only,
    /// All webhooks are listed.
    ListsWebhooksOfAnyone => isolation::webhooks_are_seen_by_their_workspace_only,
    /// Contacts are fetched by id, number or key alone.
    FetchesContactsOfAnyone => isolation::contacts_are_seen_by_their_workspace_only,
    /// All contacts are listed.
    ListsContactsOfAnyone => isolation::contacts_are_seen_by_their_workspace_only,
    /// Keys are listed by contact alone.
    ListsKeysOfAnyone => isolation::contacts_are_seen_by_their_workspace_only,
    /// Leads are fetched by id alone.
    FetchesLeadsOfAnyone => isolation::leads_are_seen_by_their_workspace_only,
    /// All leads are listed.
    ListsLeadsOfAnyone => isolation::leads_are_seen_by_their_workspace_only,
    /// Payloads are fetched by id alone.
    FetchesPayloadsOfAnyone => isolation::payloads_are_seen_by_their_workspace_only,
    /// Rejections are fetched by id alone.
    FetchesRejectionsOfAnyone => isolation::rejections_are_seen_by_their_workspace_only,
    /// All rejections are listed.
    ListsRejectionsOfAnyone => isolation::rejections_are_seen_by_their_workspace_only,
    /// Appointments are fetched by id alone.
    FetchesAppointmentsOfAnyone => isolation::appointments_are_seen_by_their_workspace_only,
    /// All appointments are listed.
    ListsAppointmentsOfAnyone => isolation::appointments_are_seen_by_their_workspace_only,
    /// Conversions are fetched by id alone.
    FetchesConversionsOfAnyone => isolation::conversions_are_seen_by_their_workspace_only,
    /// All conversions are listed.
    ListsConversionsOfAnyone => isolation::conversions_are_seen_by_their_workspace_only,
    /// Deliveries are fetched by id alone.
    FetchesDeliveriesOfAnyone => deliveries::what_is_next_is_told_for_each_endpoint_by_itself,
    /// All deliveries are listed.
    ListsDeliveriesOfAnyone => deliveries::what_is_next_is_told_for_each_endpoint_by_itself,
    /// What is next is found by endpoint alone.
    GivesNextDeliveriesOfAnyone => deliveries::what_is_next_is_told_for_each_endpoint_by_itself,
    /// What is next comes in the order in which it was made.
    TriesDeliveriesInNoOrder => deliveries::what_is_next_is_told_for_each_endpoint_by_itself,
    /// The limit of what is next is that of all endpoints together.
    LimitsDeliveriesOfAllEndpoints => deliveries::what_is_next_is_told_for_each_endpoint_by_itself,
    /// Histories are read by aggregate alone.
    ShowsHistoriesOfAnyone => isolation::histories_are_seen_by_their_workspace_only,
    /// The feed is everyone's.
    ShowsTheFeedOfAnyone => isolation::the_feed_is_seen_by_its_workspace_only,
    /// Rollups are everyone's.
    ReportsOnAnyone => isolation::rollups_are_seen_by_their_workspace_only,
    /// Records are fetched by kind and key alone.
    FetchesRecordsOfAnyone => isolation::records_are_seen_by_their_workspace_only,
    /// What a use case needs is loaded by id alone.
    LoadsFromAnyone => isolation::leads_are_seen_by_their_workspace_only,

    // Writes.
    /// An update is applied whatever version the row has.
    IgnoresVersions => ports::an_update_of_another_version_is_a_conflict,
    /// An update of a contact is applied whatever version it has.
    IgnoresVersionsOfContacts => ports::an_update_of_another_version_is_a_conflict,
    /// An update of what is not there makes it.
    UpdatesWhatIsNotThere => ports::an_update_of_another_version_is_a_conflict,
    /// An insert replaces what is there.
    ReplacesOnInsert => ports::an_insert_of_what_exists_is_a_conflict,
    /// A second payload of one intake replaces the first.
    ReplacesPayloads => ports::an_insert_of_what_exists_is_a_conflict,
    /// Two webhooks may have one name.
    AllowsOneNameTwice => ports::an_insert_of_what_exists_is_a_conflict,
    /// A workspace may be created over another one.
    CreatesOverAWorkspace => workspaces::the_same_id_is_not_created_twice,
    /// Versions are checked first, and written later, after others could write.
    ChecksThenWrites => concurrency::no_conversion_of_a_lead_is_lost,
    /// What a failing change set did up to its failure stays.
    KeepsHalfOfWhatFails => ports::a_change_set_that_fails_in_its_last_part_leaves_nothing,
    /// One failing change set fails those after it in the batch.
    FailsTheRestOfTheBatch => ports::a_failing_change_set_leaves_its_neighbours_alone,
    /// The answers of a batch are those of its neighbours.
    ShiftsAnswers => ports::a_batch_is_answered_in_its_order_and_number,
    /// The last change set of a batch has no answer.
    ForgetsAnAnswer => ports::a_batch_is_answered_in_its_order_and_number,
    /// A batch is applied from its end.
    AppliesBatchesBackwards => ports::change_sets_of_a_batch_see_those_before_them,
    /// Change sets are not checked.
    ChecksNoRules => ports::a_change_set_that_breaks_the_rules_is_misuse,
    /// Reads show what was there before the last commit.
    ReadsBehindTheLastCommit => lookups::what_was_committed_is_shown_to_the_next_call,
    /// A receipt names the candidate, not the contact that it became.
    TellsTheCandidate => ports::a_receipt_tells_what_the_commit_decided,
    /// A lead keeps its candidate contact although it was linked to another one.
    LinksToTheCandidate => ingest::a_second_lead_is_linked_to_the_contact,

    // Gates.
    /// The version of the configuration is not looked at.
    IgnoresTheConfigGate => config::a_stale_configuration_loses_the_gate_and_applies_nothing,
    /// A change of a webhook leaves the configuration's version.
    ForgetsTheConfigVersion => config::every_change_of_a_webhook_raises_the_configuration_version,
    /// Every commit raises the configuration's version.
    RaisesTheConfigVersionAlways => config::leads_leave_the_configuration_version_alone,
    /// A workspace that is not there is made.
    MakesUnknownWorkspaces => gates::an_unknown_workspace_loses_the_gate,
    /// Counters are looked at before claims.
    CountsBeforeItClaims => limits::a_call_is_answered_again_also_at_the_limit,
    /// A counter may reach one more than its limit.
    CountsOneTooMany => gates::a_counter_goes_up_to_its_limit_and_no_further,
    /// A counter goes on over all its windows.
    CountsOverAllWindows => limits::a_webhook_takes_so_many_leads_in_a_clock_hour,
    /// The counters of another workspace are read.
    FetchesCountersOfAnyone => isolation::names_counters_and_windows_of_two_workspaces_know_nothing_of_each_other,
    /// What a route takes of counters is not counted.
    CountsNoRoute => routing::turns_are_taken_in_smooth_order,
    /// A route is decided by counters as they were before the change set gave anything back.
    RoutesBeforeItFrees => routing::whoever_declines_makes_way_for_the_next,
    /// What is given back of a calendar stays taken.
    GivesNoTimeBack => calendars::a_time_that_is_given_back_can_be_had_again,
    /// What was settled before needs room like any other.
    RefusesWhatIsSettled => calendars::a_calendar_made_later_takes_up_what_was_booked,
    /// A time is taken whether there is room or not.
    TakesWhatIsTaken => calendars::nobody_is_booked_twice_at_once,
    /// A hold that has ended still takes its time.
    LetsNoHoldEnd => holds::a_hold_keeps_a_time_until_it_ends,
    /// What ends when another begins stands against it.
    LetsNeighboursClash => calendars::nobody_is_booked_twice_at_once,
    /// Whatever is taken takes one unit.
    CountsUnitsOnce => calendars::a_capacity_is_used_up_to_the_last_unit,
    /// A visit that rules route takes no time.
    TakesNothingForRoutes => free_times::rules_give_nothing_to_whoever_has_no_time,
    /// Rules route to whoever is busy.
    RoutesToTheBusy => free_times::rules_give_nothing_to_whoever_has_no_time,
    /// A visit keeps what stood in for the decision of its route.
    KeepsNoRoute => routing::turns_are_taken_in_smooth_order,
    /// The totals of a visit that is routed are nobody's.
    CountsRoutesForNobody => routing::no_turn_is_served_twice_whoever_books_at_once,
    /// The receipt of a route does not tell who got it.
    TellsNoRoute => routing::turns_are_taken_in_smooth_order,
    /// All counters are one.
    CountsEverythingTogether => gates::a_counter_goes_up_to_its_limit_and_no_further,
    /// A retried claim is taken again.
    AppliesRetriesTwice => replays::the_same_call_again_is_answered_as_the_first_time,
    /// Whatever came under a name is the same.
    ForgetsTheFingerprint => replays::a_key_with_another_lead_is_a_conflict_that_names_the_key,
    /// A claim lives for ever.
    LetsNoClaimExpire => replays::an_expired_key_may_be_used_again,
    /// A claim lives one moment too long.
    ExpiresOneMomentLate => gates::an_expired_claim_is_taken_over_by_one,
    /// A claim without an end has ended.
    ForgetsClaimsWithoutEnd => replays::an_external_id_is_remembered_for_ever,
    /// An expired claim that is taken over keeps its first holder.
    KeepsTheFirstHolder => gates::an_expired_claim_is_taken_over_by_one,
    /// A name of one kind is claimed for all kinds.
    MixesKindsOfClaims => replays::an_idempotency_key_is_no_external_id,
    /// A name of one webhook is claimed for all of them.
    MixesWebhooksOfClaims => replays::keys_belong_to_their_webhook,
    /// What holds a name that was refused keeps it.
    YieldsToNothing => replays::a_corrected_lead_may_come_under_the_id_of_a_rejected_one,
    /// What holds a name is told to everyone.
    ShowsHoldersOfAnyone => isolation::holders_of_names_are_seen_by_their_workspace_only,
    /// Names are compared without regard to case.
    FoldsNames => replays::unusable_names_are_refused_and_usable_ones_kept_apart,
    /// Claims of a change set that failed later stay.
    KeepsClaimsOfWhatFails => gates::a_claim_names_its_holder_and_whether_it_is_the_same,
    /// A window still holds what lies at its very end.
    EndsWindowsOneMomentLate => repeats::the_window_ends_after_its_days,
    /// A window keeps the lead that came last, not the one received last.
    KeepsTheLastToArrive => repeats::the_latest_lead_counts_whatever_the_order_of_arrival,
    /// Any lead of the contact is repeated, whatever it asks for.
    ComparesNoProduct => repeats::another_product_or_campaign_repeats_nothing,
    /// Leads of all contacts are compared.
    ComparesAllContacts => repeats::another_contact_repeats_nothing,
    /// A repeat is taken where repeats are rejected.
    TakesRepeats => repeats::a_repeat_may_be_rejected_and_is_kept,

    /// Names of the whole workspace are not claimed.
    ForgetsClaimsOfTheWorkspace => sales::the_same_external_id_is_the_same_sale,
    /// A change of rules, providers or keys leaves the configuration's version.
    ForgetsTheConfigOfRecords => access::a_revoked_key_is_refused_at_once_in_every_process,
    /// The configuration is loaded without its API keys.
    LoadsNoKeys => access::a_key_is_shown_once_and_kept_as_its_hash,
    /// An appointment keeps its candidate contact although its lead was linked to another one.
    VisitsTheCandidate => received::a_customer_who_is_known_keeps_their_contact,
    /// A lead does not keep who sent it.
    ForgetsTheProvider => access::a_providers_key_sends_its_own_leads_only,

    // Touches and voids.
    /// Touches after the time that is asked for are read too.
    TouchesAfterwards => attribution::touches_are_read_up_to_a_time,
    /// A test is a last touch.
    TouchesByTests => touches::tests_and_deleted_leads_are_no_last_touch,
    /// A deleted lead is a last touch.
    TouchesByDeletedLeads => touches::tests_and_deleted_leads_are_no_last_touch,
    /// What was recorded for a visitor is nobody's, whoever the visitor turned out to be.
    KnowsNoVisitors => attribution::what_a_visitor_did_is_the_contacts_once_identified,
    /// A visitor who is one contact can be another one later.
    GivesVisitorsAway => attribution::a_visitor_is_one_contact,
    /// What was recorded for a contact is nobody's once that was merged.
    KnowsNoMergedContacts => merges::merging_works_out_anew_who_earned_it,
    /// Keys of a contact that was merged lead to it still.
    LeavesKeysBehind => merges::two_contacts_become_one_with_all_they_have,
    /// The leads of a merged contact are repeated by nobody's.
    LeavesWindowsBehind => merges::repeats_are_those_of_whoever_it_is_now,
    /// A test or a deleted lead tells who is responsible.
    OwnsByTests => owners::tests_and_deleted_leads_make_nobody_responsible,
    /// Who kept an appointment that was moved is responsible, although another stands in its place.
    KeepsWhatWasMoved => owners::who_kept_the_newest_visit_is_responsible,
    /// Who is responsible is looked for among all leads and appointments.
    LooksAtEveryRow => owners::the_newest_rows_are_looked_at_and_no_more,
    /// A load of a conversion leaves out the others of its contact.
    LoadsOneConversion => voids::the_next_sale_that_stands_is_the_first_one_then,
    /// Nothing is taken off a sum.
    NeverSubtracts => voids::every_sum_of_every_cube_goes_back,
    /// Totals are summed by day.
    SumsTotalsByDay => rollups::rollups_equal_a_recount_of_the_rows,

    // Contacts.
    /// In every field the last to arrive wins.
    MergesByArrival => merge::the_order_of_arrival_does_not_matter,
    /// The rank of a source counts for nothing.
    IgnoresRanks => merge::the_order_of_arrival_does_not_matter,
    /// What a lead does not say is erased.
    ErasesWhatIsNotSaid => merge::a_lead_that_says_nothing_of_a_field_leaves_it,
    /// The first touch is the first to arrive.
    TouchesByArrival => merge::an_older_lead_that_comes_late_fills_gaps_only,
    /// Of two leads of one instant none wins, and the first stays.
    BreaksNoTies => merge::of_two_leads_of_one_instant_one_always_wins,
    /// Stamps are kept to the millisecond.
    StampsInMilliseconds => merge::microseconds_count_and_nothing_below,
    /// A key means the same in every scope.
    IgnoresScopes => keys::a_scope_of_one_webhook_has_contacts_of_its_own,
    /// A key means the same whatever its kind.
    IgnoresKindsOfKeys => keys::a_key_of_one_kind_is_none_of_another,
    /// Keys are compared without regard to case.
    FoldsKeys => keys::the_senders_id_of_a_person_is_a_key_as_written,
    /// A contact that a failing change set would have made has used a number.
    WastesNumbers => numbers::only_a_new_contact_uses_a_number,
    /// Two contacts made by one change set get one number.
    GivesOneNumberTwice => numbers::contacts_are_numbered_by_the_series_of_their_workspace,
    /// A lead that is linked is not counted on its contact.
    ForgetsLeads => ingest::a_second_lead_is_linked_to_the_contact,

    // Events.
    /// Conversions leave no event.
    DropsAnEvent => events::every_history_is_dense_and_folds_to_its_row,
    /// A stream is numbered 1, 3, 4 ...
    LeavesAGapInAStream => events::every_history_is_dense_and_folds_to_its_row,
    /// Aggregates of one id are numbered as one.
    NumbersByIdAlone => ports::an_id_means_an_aggregate_only_together_with_its_kind,
    /// The feed is numbered 1, 2, 3, 5 ...
    LeavesAGapInTheFeed => events::the_feed_has_no_gap_whatever_its_steps,
    /// Two events share a position.
    ReusesAPosition => events::the_feed_has_no_gap_whatever_its_steps,
    /// A reader may see position n + 1 before n.
    ShowsTheLaterFirst => concurrency::a_tailing_reader_misses_no_position,
    /// The head is one event behind.
    HeadLagsBehind => events::the_feed_has_no_gap_whatever_its_steps,
    /// The feed begins at the position asked for, not after it.
    FeedsTheLastAgain => events::the_feed_has_no_gap_whatever_its_steps,
    /// An aggregate that is only mentioned has the event in its history.
    CountsMentions => events::what_is_only_mentioned_is_not_in_the_history,
    /// The personal part of an event is not kept.
    ForgetsThePersonalPart => events::events_keep_all_that_was_said,
    /// Who did it is not kept.
    ForgetsTheActor => ingest::events_name_who_did_it_and_in_which_request,
    /// A received lead's event does not name the lead that it repeats.
    ForgetsTheRepeat => events::a_lead_and_its_contact_share_one_event,

    // The feeds of all workspaces.
    /// Where a feed ends is told as it was before the last commit.
    ShowsFeedsBehind => feeds::every_workspace_shows_where_its_feed_ends,
    /// The feed at the cursor is shown again.
    ShowsTheLastFeedAgain => feeds::every_workspace_shows_where_its_feed_ends,
    /// Feeds of deleted workspaces are not shown.
    ShowsNoFeedsOfTheDeleted => feeds::every_workspace_shows_where_its_feed_ends,
    /// Feeds are shown in the order in which their workspaces came to be.
    SortsNoFeeds => feeds::every_workspace_shows_where_its_feed_ends,
    /// Nobody is told of a commit.
    RingsForNobody => feeds::whoever_waits_is_woken_by_an_event,
    /// Whoever waits waits for the next event, whatever happened since they last looked.
    WaitsForTheNext => feeds::what_has_happened_since_is_not_waited_for,

    // Rollups.
    /// Leads sold are not counted.
    ForgetsARollup => rollups::rollups_equal_a_recount_of_the_rows,
    /// Every lead counts as one that made its contact.
    CountsEveryContactAsNew => rollups::daily_leads_say_what_became_of_them,
    /// The last day of a report is left out.
    LeavesOutTheLastDay => rollups::a_report_holds_both_its_ends_and_is_sorted,
    /// The rows of a report stand in the order in which they came to be.
    SortsNoReport => rollups::a_report_holds_both_its_ends_and_is_sorted,
    /// A row keeps the time of what was counted last, not the latest time.
    KeepsTheLastTimeCounted => rollups::a_row_keeps_the_latest_time_whatever_the_order,
    /// Currencies are summed together.
    SumsCurrencies => rollups::values_are_summed_per_source_type_and_currency,

    // Lists and lookups.
    /// Deleted leads are listed.
    ListsDeletedLeads => lead_ends::a_deleted_lead_is_left_out_of_lists_and_counts,
    /// A range of time holds its end.
    ClosesRangesOfTime => visits::visits_are_listed_by_when_they_start,
    /// A list stands in the order in which its rows came to be.
    SortsByArrival => pages::rows_of_any_order_of_arrival_are_sorted,
    /// A page loses the row at its cursor.
    LosesTheRowAtTheCursor => pages::every_list_is_the_same_whatever_the_size_of_its_pages,
    /// A page repeats the row at its cursor.
    RepeatsTheRowAtTheCursor => pages::every_list_is_the_same_whatever_the_size_of_its_pages,
    /// A full page always promises one more.
    PromisesAnotherPage => pages::the_last_page_says_that_it_is_the_last,
    /// A page is cut first and filtered then.
    FiltersWhatItCut => pages::every_list_is_the_same_whatever_the_size_of_its_pages,
    /// A page is as long as is asked for.
    KnowsNoBound => pages::a_page_has_a_bound,
    /// What is not there is left out of a fetch.
    LeavesOutWhatIsMissing => lookups::fetches_answer_in_the_order_and_number_asked_for,
    /// A fetch answers from its end.
    FetchesBackwards => lookups::fetches_answer_in_the_order_and_number_asked_for,
    /// A load of an appointment leaves out its contact.
    LoadsTooLittle => lookups::a_load_reads_what_is_needed_and_no_more,

    // What is kept.
    /// A JSON payload is written anew.
    RewritesPayloads => rejections::a_payload_is_kept_byte_for_byte,
    /// A payload is cut at 64 KiB.
    CutsPayloads => rejections::a_payload_is_kept_byte_for_byte,
    /// Headers are kept once per name, whatever its case.
    MergesHeaders => ingest::headers_are_kept_with_the_payload,
    /// Times are kept to the millisecond.
    KeepsMilliseconds => ingest::a_lead_keeps_the_time_that_it_was_received,
    /// Numbers of custom fields are kept as floating point.
    KeepsNumbersAsFloats => ingest::unknown_fields_and_nested_ones_are_kept_as_sent,
    /// Long text is cut.
    CutsText => ingest::text_is_kept_whatever_it_holds,
    /// A conflict names the person.
    NamesThePerson => privacy::what_a_store_refuses_shows_no_personal_datum,

    // What a server's snapshots, connections and collations make easy.
    /// Keys are looked up in a picture from before the last commit.
    FindsKeysInAnOldPicture => ingest::a_second_lead_is_linked_to_the_contact,
    /// Claims are looked up in a picture from before the last commit.
    ClaimsInAnOldPicture => replays::the_same_call_again_is_answered_as_the_first_time,
    /// Counters are read in a picture from before the last commit.
    CountsInAnOldPicture => gates::a_counter_goes_up_to_its_limit_and_no_further,
    /// Windows are read in a picture from before the last commit.
    ComparesInAnOldPicture => repeats::a_repeat_may_be_rejected_and_is_kept,
    /// The first failure ends the transaction that all go on in.
    DiesOfItsFirstFailure => ports::a_failing_change_set_leaves_its_neighbours_alone,
    /// The answers of a batch come workspace by workspace.
    AnswersByWorkspace => ports::a_batch_is_answered_in_its_order_and_number,
    /// Reports are sorted as people of one country sort.
    SortsReportsByLocale => rollups::a_report_holds_both_its_ends_and_is_sorted,
    /// What is found to be there already is neither written nor read again.
    LosesTheRowOfTheWinner => ingest::a_second_lead_is_linked_to_the_contact,

    // Durability.
    /// The last commit is answered before it is synced.
    AnswersBeforeSync => durability::what_is_acknowledged_survives_a_crash,
    /// Claims are not synced.
    SyncsNoClaims => durability::after_a_crash_everything_goes_on_where_it_was,
    /// It says that nothing outlives the process, and is reopened all the same.
    UnderstatesItsDurability => durability::what_is_acknowledged_survives_a_crash,
}
