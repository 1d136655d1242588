use std::io::Write;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use crate::{Subject, cases};

/// One case: what a store must do, under a name that says it.
#[derive(Clone, Copy)]
pub struct Case {
    /// `topic::what_holds`.
    pub name: &'static str,
    body: fn(&dyn Subject),
}

impl Case {
    /// The case of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        CASES.iter().find(|case| case.name == name)
    }

    /// Runs it on a subject that nothing else has used.
    ///
    /// # Panics
    /// When the store does not do what the case's name says.
    pub fn run(&self, subject: &dyn Subject) {
        let _held = subject.enter();
        (self.body)(subject);
    }
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// Runs the case of this name on a new subject: what each test of [`conformance!`](crate::conformance) does.
///
/// A case that waits for something that never comes ends the whole process after ten minutes, and says which one it was:
/// whoever runs the suite unattended would otherwise know of nothing but their own time limit.
///
/// # Panics
/// When the store does not do what the case's name says.
pub fn run<S: Subject>(name: &str, make: impl FnOnce() -> S) {
    let case = Case::named(name).unwrap_or_else(|| panic!("there is no case `{name}`"));
    let _watched = watched(case.name);
    case.run(&make());
}

/// Ends the process if what it returns is not dropped in time.
fn watched(name: &'static str) -> mpsc::Sender<()> {
    let (running, ended) = mpsc::channel();
    let limit = Duration::from_secs(600) * crate::random::times_longer();
    std::thread::spawn(move || {
        if ended.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
            // Not by a macro: what those print in a test is shown once it has ended.
            let _ = writeln!(std::io::stderr(), "{name} has not ended after {} s", limit.as_secs());
            std::process::abort();
        }
    });
    running
}

macro_rules! registry {
    ($d:tt $($topic:ident { $($case:ident)+ })+) => {
        /// All cases, by topic.
        pub const CASES: &[Case] = &[$($(
            Case {
                name: concat!(stringify!($topic), "::", stringify!($case)),
                body: |subject| pollster::block_on(cases::$topic::$case(subject)),
            },
        )+)+];

        /// Makes one `#[test]` of each case, in a module per topic. Its argument is an expression that is called for each
        /// test and makes a [`Subject`] over an empty store.
        #[macro_export]
        macro_rules! conformance {
            ($d make:expr) => {$(
                mod $topic {
                    #[allow(unused_imports)]
                    use super::*;
                    $(
                        #[test]
                        fn $case() {
                            $crate::run(concat!(stringify!($topic), "::", stringify!($case)), $d make);
                        }
                    )+
                }
            )+};
        }
    };
}

registry! { $
    workspaces {
        a_new_workspace_reads_back
        a_new_workspace_has_its_direct_webhook
        wrong_fields_are_all_named_and_nothing_is_stored
        an_unknown_workspace_is_not_found
        the_same_id_is_not_created_twice
        workspaces_of_one_name_are_two
        changed_settings_read_back_everywhere
        an_inactive_workspace_takes_no_leads
        a_deleted_workspace_keeps_all_it_has_and_can_be_restored
    }
    webhooks {
        a_webhook_says_what_its_senders_names_mean
        a_webhook_reads_back_as_created
        names_are_unique_also_among_the_deleted
        a_name_may_be_used_in_two_workspaces
        wrong_settings_are_all_named
        direct_is_never_deleted
        configured_settings_hold_from_the_next_lead_on
        a_deleted_webhook_refuses_leads_and_keeps_them
        a_restored_webhook_takes_leads
        an_inactive_webhook_refuses_leads_and_keeps_them
        deleting_and_restoring_twice_are_conflicts
        an_unknown_webhook_is_not_found
        a_secret_must_be_shown
    }
    config {
        a_deletion_elsewhere_is_noticed_at_the_next_lead
        a_webhook_created_elsewhere_is_found
        settings_changed_elsewhere_hold_from_the_next_lead_on
        a_key_no_longer_required_elsewhere_is_not_asked_for
        a_release_knows_of_a_restore_elsewhere
        a_whole_batch_knows_of_a_restore_elsewhere
        leads_leave_the_configuration_version_alone
        every_change_of_a_webhook_raises_the_configuration_version
        a_stale_configuration_loses_the_gate_and_applies_nothing
    }
    ingest {
        a_first_lead_makes_its_contact
        a_second_lead_is_linked_to_the_contact
        json_form_and_row_mean_the_same_lead
        unknown_fields_and_nested_ones_are_kept_as_sent
        text_is_kept_whatever_it_holds
        a_nul_does_not_stop_a_lead
        a_nul_in_a_callers_own_text_is_refused_by_its_field
        custom_fields_read_as_a_type
        a_possible_phone_is_taken_and_flagged
        headers_are_kept_with_the_payload
        a_lead_keeps_the_time_that_it_was_received
        events_name_who_did_it_and_in_which_request
        a_test_lead_is_stored_and_counted_nowhere
    }
    replays {
        a_rejected_row_that_comes_again_is_answered_as_the_first_time
        a_corrected_lead_may_come_under_the_id_of_a_rejected_one
        the_same_call_again_is_answered_as_the_first_time
        the_same_lead_spelt_otherwise_is_the_same_call
        a_key_with_another_lead_is_a_conflict_that_names_the_key
        an_external_id_is_remembered_for_ever
        an_expired_key_may_be_used_again
        the_key_of_a_lead_received_long_ago_lives_as_long
        keys_belong_to_their_webhook
        an_idempotency_key_is_no_external_id
        a_required_key_must_be_there
        unusable_names_are_refused_and_usable_ones_kept_apart
        a_replayed_rejection_is_that_rejection
        a_replayed_duplicate_is_that_duplicate
        after_a_release_the_replay_is_the_lead
        without_a_key_the_same_lead_twice_is_two
    }
    rejections {
        every_reason_is_given_at_once
        a_strict_webhook_rejects_what_others_flag
        a_payload_is_kept_byte_for_byte
        rejections_are_listed_by_state
        a_corrected_rejection_becomes_a_lead_of_the_same_id
        a_second_release_is_answered_as_the_first
        corrections_of_unknown_fields_are_all_named
        an_unreadable_payload_is_released_by_corrections_that_say_it_all
        a_rejection_leaves_the_external_id_free_and_a_release_claims_it
        a_released_lead_keeps_its_time_and_its_test_mark
    }
    keys {
        six_spellings_of_one_number_are_one_contact
        an_extension_makes_no_other_contact
        an_email_is_a_key_in_any_case
        the_senders_id_of_a_person_is_a_key_as_written
        digits_are_a_key_where_no_number_can_be_read
        the_first_key_that_a_lead_offers_is_the_one
        a_scope_of_one_webhook_has_contacts_of_its_own
        a_key_of_one_kind_is_none_of_another
        one_key_in_two_workspaces_is_two_contacts
        the_second_phone_of_a_lead_is_its_key_when_the_first_is_unreadable
        without_any_key_a_lead_is_rejected_and_every_key_is_named
    }
    repeats {
        a_repeat_is_marked_with_the_lead_that_it_repeats
        a_repeat_may_be_rejected_and_is_kept
        repeats_may_be_accepted_like_any_other_lead
        the_window_ends_after_its_days
        a_lead_that_comes_in_years_late_repeats_none_of_today
        a_window_without_days_never_ends
        another_product_or_campaign_repeats_nothing
        another_contact_repeats_nothing
        a_lead_repeats_one_of_another_webhook_too
        the_latest_lead_counts_whatever_the_order_of_arrival
    }
    limits {
        a_webhook_takes_so_many_leads_in_a_clock_hour
        rejections_count_against_the_limit_and_releases_do_not
        what_is_refused_uses_nothing_of_the_limit
        a_call_is_answered_again_also_at_the_limit
        the_rows_of_a_batch_count_one_by_one
    }
    batches {
        rows_are_answered_in_their_order
        a_batch_comes_to_the_same_as_its_rows_one_by_one
        rows_of_one_contact_are_one_contact
        one_call_twice_in_a_batch_is_taken_once
        repeats_within_a_batch_are_rejected_where_repeats_are
        all_or_nothing_takes_all
        all_or_nothing_takes_nothing_when_one_row_is_rejected
        all_or_nothing_takes_nothing_when_one_gate_is_lost
        all_or_nothing_with_one_key_twice_is_kept_out
        an_empty_batch_is_answered_with_nothing
        a_batch_has_a_bound
        any_number_of_rows_is_taken_and_answered_in_order
        rows_of_several_webhooks_travel_together
    }
    merge {
        the_order_of_arrival_does_not_matter
        a_batch_merges_like_its_rows_one_by_one
        an_older_lead_that_comes_late_fills_gaps_only
        a_lead_that_says_nothing_of_a_field_leaves_it
        of_two_leads_of_one_instant_one_always_wins
        microseconds_count_and_nothing_below
    }
    numbers {
        contacts_are_numbered_by_the_series_of_their_workspace
        only_a_new_contact_uses_a_number
        a_number_leads_to_its_contact
    }
    lookups {
        fetches_answer_in_the_order_and_number_asked_for
        a_fetch_of_many_answers_each
        every_row_is_found_by_its_id
        a_load_reads_what_is_needed_and_no_more
        a_load_of_what_is_not_there_is_empty
        a_record_reads_back_as_written
        what_was_committed_is_shown_to_the_next_call
    }
    pages {
        every_list_is_the_same_whatever_the_size_of_its_pages
        histories_are_the_same_whatever_the_size_of_their_pages
        the_last_page_says_that_it_is_the_last
        rows_that_come_while_pages_are_turned_are_not_in_the_way
        rows_of_any_order_of_arrival_are_sorted
        a_page_has_a_bound
    }
    events {
        every_history_is_dense_and_folds_to_its_row
        the_feed_has_no_gap_whatever_its_steps
        a_lead_and_its_contact_share_one_event
        what_is_only_mentioned_is_not_in_the_history
        events_keep_all_that_was_said
        an_unknown_stream_has_no_history
        rules_and_their_workspace_have_histories_of_their_own
    }
    appointments {
        a_visit_is_booked_routed_and_explained
        what_no_rule_matches_is_booked_unrouted
        new_rules_hold_for_what_is_booked_after_them
        rules_that_say_nothing_are_refused_by_name
        a_visit_sold_is_its_conversion_in_one_commit
        a_visit_not_sold_makes_no_conversion
        completing_twice_is_a_conflict
        what_does_not_exist_is_neither_booked_nor_completed
        a_lead_has_as_many_visits_as_are_booked
    }
    conversions {
        a_sale_is_recorded_on_its_lead_and_its_contact
        a_sale_is_credited_to_the_first_touch
        a_lead_may_be_sold_several_times_and_names_the_first
        a_customer_is_one_since_the_earliest_sale
        the_largest_value_is_kept_and_what_overflows_is_refused
        negative_values_and_unknown_leads_are_refused
    }
    rollups {
        rollups_equal_a_recount_of_the_rows
        days_are_those_of_the_workspace
        a_report_holds_both_its_ends_and_is_sorted
        daily_leads_say_what_became_of_them
        conversion_rates_are_leads_sold_per_lead_and_source
        values_are_summed_per_source_type_and_currency
        a_sum_that_no_longer_fits_is_refused_whole
        a_new_zone_holds_for_what_happens_from_then_on
        a_row_keeps_the_latest_time_whatever_the_order
    }
    ports {
        a_batch_is_answered_in_its_order_and_number
        a_receipt_tells_what_the_commit_decided
        a_change_set_that_fails_in_its_last_part_leaves_nothing
        a_failing_change_set_leaves_its_neighbours_alone
        change_sets_of_a_batch_see_those_before_them
        an_update_of_another_version_is_a_conflict
        an_insert_of_what_exists_is_a_conflict
        a_change_set_that_breaks_the_rules_is_misuse
        a_change_set_that_changes_nothing_is_applied
        an_id_means_an_aggregate_only_together_with_its_kind
    }
    gates {
        an_unknown_workspace_loses_the_gate
        a_counter_goes_up_to_its_limit_and_no_further
        counters_that_fail_together_count_nothing
        a_claim_names_its_holder_and_whether_it_is_the_same
        an_expired_claim_is_taken_over_by_one
        a_repeat_names_the_lead_that_it_repeats
        of_several_lost_gates_the_first_is_named
    }
    access {
        every_call_asks_for_its_permission_and_for_no_other
        a_sale_asks_for_the_permission_to_convert
        no_call_shows_or_changes_anything_of_another_workspace
        a_key_is_shown_once_and_kept_as_its_hash
        what_is_no_valid_key_is_refused_with_one_message
        a_revoked_key_is_refused_at_once_in_every_process
        keys_of_an_inactive_workspace_are_refused_at_once
        an_inactive_workspace_takes_nothing_but_its_configuration
        a_key_acts_under_its_own_name_and_no_name_widens_it
        the_last_use_of_a_key_is_known_to_the_hour
        a_providers_key_sends_its_own_leads_only
    }
    pipeline {
        the_default_moves_are_these_and_no_others
        who_is_lost_or_rejected_is_so_for_a_reason
        who_was_given_up_is_opened_again_and_counts_once
        a_workspace_has_statuses_of_its_own
        whatever_happens_a_lead_enters_a_stage_by_its_first_status
        a_pipeline_that_is_not_sound_is_refused_with_every_reason
        another_process_goes_by_a_new_pipeline_at_once
        a_status_that_is_gone_moves_like_the_first_of_its_stage
    }
    lead_work {
        an_owner_is_set_taken_away_and_remembered
        a_follow_up_is_listed_once_it_is_due
        every_priority_is_kept
        a_note_is_in_the_history_and_in_no_log
        the_first_success_of_an_attempt_contacts_a_new_lead
        attempts_are_told_in_any_order_and_none_is_to_come
        a_lead_tells_when_it_entered_and_left_each_status
        a_stale_row_is_refused_and_its_id_is_not
        filters_list_what_matches_and_nothing_else
        a_lead_of_another_workspace_is_not_there
    }
    lead_ends {
        a_deleted_lead_is_left_out_of_lists_and_counts
        nothing_is_done_with_a_deleted_lead
        a_call_is_answered_again_although_its_lead_was_deleted
        leads_expire_after_their_days_unless_a_visit_is_open
        without_an_age_no_lead_expires
    }
    routing {
        turns_are_taken_in_smooth_order
        no_turn_is_served_twice_whoever_books_at_once
        a_cap_is_never_overshot_with_declines_and_cancellations_between
        a_cap_with_a_condition_counts_what_it_holds_for
        who_is_away_gets_nothing_that_starts_then
        whoever_declines_makes_way_for_the_next
        a_ledger_gives_back_what_came_to_nothing
        whoever_pays_most_gets_it
        who_waits_is_routed_in_order_of_arrival
        what_ends_or_moves_gives_back_what_it_took
        a_visit_that_comes_with_its_lead_takes_its_turn
        the_area_code_is_that_of_the_persons_phone
        a_decision_is_made_again_from_what_it_noted
        a_publication_takes_effect_when_it_says
        rules_are_rolled_back_to_an_earlier_publication
        what_rules_would_do_is_told_and_leaves_no_trace
    }
    owners {
        a_known_contact_goes_to_its_owner
        who_kept_the_newest_visit_is_responsible
        an_owner_who_is_out_full_or_declined_makes_way
        tests_and_deleted_leads_make_nobody_responsible
        the_newest_rows_are_looked_at_and_no_more
        what_is_asked_again_or_simulated_knows_the_owner
    }
    calendars {
        nobody_is_booked_twice_at_once
        a_calendar_is_open_in_its_hours
        a_capacity_is_used_up_to_the_last_unit
        what_is_needed_together_is_had_together_or_not_at_all
        a_time_that_is_given_back_can_be_had_again
        what_was_agreed_on_stays_whatever_calendars_say_since
        a_moved_visit_takes_its_new_time_in_place_of_the_old
        a_calendar_made_later_takes_up_what_was_booked
        of_a_hundred_who_want_one_time_as_many_get_it_as_there_is_room
        calendars_are_of_their_workspace
        what_is_set_of_a_calendar_is_checked
    }
    holds {
        a_hold_keeps_a_time_until_it_ends
        random_bookings_are_those_of_a_naive_list
    }
    free_times {
        rules_give_nothing_to_whoever_has_no_time
        nobody_without_a_calendar_gets_work_by_load
        a_lead_whose_visit_can_not_be_had_is_kept
        free_times_are_those_that_can_be_booked
    }
    drafts {
        a_draft_is_kept_as_it_was_saved_until_it_is_published
        what_is_not_as_it_was_seen_is_a_conflict
        of_those_who_save_or_publish_one_at_once_one_does
        drafts_have_names_and_a_bound_and_one_workspace
    }
    visits {
        a_visit_keeps_all_that_was_said_of_it
        each_way_of_routing_explains_itself
        an_unrouted_visit_is_listed_until_someone_gets_it
        a_time_that_clocks_skip_or_show_twice_is_recorded_as_such
        a_visit_whose_zone_got_other_rules_is_told_and_not_moved
        wrong_fields_of_a_visit_are_all_named
        the_same_external_id_is_the_same_visit
        a_visit_is_answered_as_it_is_kept_to_the_microsecond
        a_visit_booked_earlier_counts_on_that_day
        visits_are_listed_by_when_they_start
        an_inactive_workspace_takes_no_visits
        what_is_to_be_done_next_is_kept_and_in_no_log
        visits_of_a_test_lead_count_nowhere
    }
    visit_ends {
        an_open_visit_is_confirmed_once_and_comes_to_one_end
        what_has_ended_goes_to_no_one
        a_moved_visit_and_the_one_in_its_place_name_each_other
        a_visit_that_is_moved_three_times_is_counted_once
        who_calls_off_shortly_before_does_so_late
        no_one_misses_a_visit_before_it_starts
        the_last_open_visit_decides_where_its_lead_goes
        a_visit_completed_earlier_counts_on_that_day
        a_stale_visit_is_refused_and_its_id_is_not
        a_visit_of_another_workspace_is_not_there
    }
    received {
        a_visit_and_its_customer_are_one_commit
        a_customer_who_is_known_keeps_their_contact
        what_comes_from_outside_is_routed_or_kept_unrouted
        the_same_call_again_is_answered_with_the_same_visit
        one_key_with_another_visit_is_a_conflict
        an_external_id_is_one_for_visits_that_are_booked_and_received
        a_rejected_lead_keeps_its_visit_and_a_release_books_it
        a_visit_of_a_repeat_waits_with_its_lead
        wrong_fields_of_a_received_visit_are_all_named_and_nothing_is_stored
        rows_of_a_batch_bring_their_visits
        a_received_visit_counts_with_its_lead_on_its_own_day
    }
    sales {
        a_sale_names_the_visit_that_it_came_from
        a_sale_and_a_visit_are_answered_again_although_their_lead_was_deleted
        everything_of_a_sale_is_kept_and_nothing_personal_logged
        wrong_fields_of_a_sale_are_all_named
        the_same_external_id_is_the_same_sale
        a_visit_sold_and_its_sale_told_again_are_one
        currencies_are_kept_apart_everywhere
        a_sale_is_in_all_places_at_once
        a_test_lead_is_not_sold
        a_sale_before_its_lead_counts_and_is_not_timed
    }
    touches {
        the_last_touch_is_the_last_lead_by_then
        of_two_leads_of_one_moment_the_greater_id_is_the_last
        tests_and_deleted_leads_are_no_last_touch
        without_a_lead_before_it_a_sale_is_touched_by_its_own
        a_lead_that_comes_late_changes_no_sale_that_is_stored
        a_visit_is_credited_by_the_time_that_it_took_place
        leads_of_other_contacts_touch_nothing
        each_attribution_counts_for_its_own_source
    }
    adjustments {
        a_refund_changes_what_a_sale_is_worth_everywhere
        a_chargeback_is_given_back_once
        the_same_adjustment_told_again_is_one
        what_can_not_be_is_refused_and_changes_nothing
        a_voided_sale_is_adjusted_no_more
        random_histories_leave_what_they_say
    }
    returns {
        a_returned_lead_is_credited_and_still_a_sale
        a_returned_lead_is_replaced_at_no_price
        a_lead_comes_back_for_a_reason_and_in_time
        caps_have_room_again_where_they_say_so
        a_commission_is_cancelled_or_paid_and_clawed_back
        commissions_end_with_their_sale_unless_they_are_kept
    }
    attribution {
        every_lead_is_a_touch_and_each_model_shares_the_value
        what_a_visitor_did_is_the_contacts_once_identified
        a_visitor_is_one_contact
        the_same_touch_told_again_is_one
        wrong_fields_of_a_touch_are_all_named
        a_touch_out_of_the_window_counts_nothing
        a_touch_told_late_counts_once_it_is_worked_out_anew
        the_last_editions_are_kept_and_what_was_before_them_is_not_told
        without_a_touch_all_is_unattributed
        a_refund_is_shared_as_the_sale_was
        reports_add_up_by_whatever_they_are_grouped
        what_was_believed_is_what_was_known_then
        another_currency_is_reported_by_the_rate_of_its_day
        settings_hold_from_the_next_sale_on_everywhere
        wrong_settings_are_all_named
        milestones_are_where_the_lead_and_the_visit_came_from
        a_journey_is_told_in_order
        only_the_newest_touches_are_looked_at
        touches_are_read_up_to_a_time
    }
    merges {
        two_contacts_become_one_with_all_they_have
        a_merged_id_leads_on_through_chains
        a_merge_is_undone_to_the_field
        what_came_in_between_goes_by_its_key
        what_can_not_be_merged_is_refused
        merging_works_out_anew_who_earned_it
        repeats_are_those_of_whoever_it_is_now
        leads_that_come_in_while_contacts_are_merged_are_not_lost
    }
    deliveries {
        an_endpoint_is_made_changed_and_told_without_its_secret
        wrong_endpoints_name_every_setting
        events_go_out_once_to_each_endpoint_that_takes_them
        what_fails_is_tried_by_the_schedule_until_it_has_failed
        a_receiver_that_is_gone_is_disabled_and_what_waits_goes_out_later
        a_receiver_that_fails_for_days_is_disabled
        a_receiver_that_asks_for_time_gets_it
        what_a_buyer_answers_is_read_by_its_mapping
        couriers_share_the_work_and_send_nothing_twice
        what_waits_for_a_deleted_endpoint_is_called_off
        what_a_courier_took_with_it_is_sent_by_another
        a_secret_that_is_kept_elsewhere_is_waited_for
        what_is_next_is_told_for_each_endpoint_by_itself
        the_history_of_deliveries_is_listed_in_pages
        whatever_receivers_and_stores_do_nothing_is_lost
    }
    forwarding {
        an_appointment_that_rules_route_to_an_endpoint_goes_there
        leads_are_forwarded_by_every_rule_and_once_to_each
        another_workspace_takes_an_appointment_as_its_own
        two_that_forward_to_each_other_come_to_an_end
        what_is_told_back_is_what_was_granted
        nobody_delivers_where_it_is_not_granted_nor_reports_on_what_went_elsewhere
        a_crash_between_there_and_here_leaves_one_appointment_there
    }
    spend {
        what_was_spent_is_noted_once_for_each_day_and_campaign
        costs_and_returns_are_those_worked_out_by_hand
        wrong_rows_of_an_import_are_all_named
    }
    voids {
        the_only_sale_voided_leaves_all_as_if_it_had_not_been
        the_next_sale_that_stands_is_the_first_one_then
        a_lead_with_an_open_visit_goes_back_to_it
        a_customer_is_one_since_the_earliest_sale_that_stands
        every_sum_of_every_cube_goes_back
        voiding_asks_for_a_reason_and_happens_once
        a_sale_of_a_deleted_lead_can_be_voided
        reports_know_nothing_of_a_voided_sale
    }
    providers {
        a_provider_keeps_its_name_and_its_history
        names_of_providers_are_unique
        wrong_settings_of_a_provider_are_all_named
        an_unknown_provider_is_not_found
        an_inactive_provider_is_denied_at_once_everywhere
        a_provider_uses_the_webhooks_that_it_may
        a_lead_keeps_the_provider_that_sent_it
        rows_of_several_providers_travel_together
    }
    provider_use {
        a_provider_sends_so_many_leads_in_a_clock_hour
        rejections_count_against_a_providers_limits_and_releases_do_not
        quotas_start_again_at_midnight_and_on_the_first
        what_one_limit_refuses_uses_nothing_of_another
        usage_is_counted_per_provider_webhook_and_day
        usage_is_what_the_events_tell
        the_last_use_of_a_provider_is_its_latest_lead
    }
    reports {
        a_webhook_tells_day_by_day_what_it_brought
        each_attribution_tells_of_its_own_source
        averages_are_rounded_half_away_from_zero
        rates_are_those_of_the_days_asked_for
        totals_tell_when_anything_last_happened
        every_report_begins_its_days_at_local_midnight
        a_new_zone_leaves_the_days_before_it_as_they_were
        voided_sales_are_gone_from_every_report
    }
    funnels {
        a_lead_is_in_the_funnel_once_per_step
        a_lead_whose_sale_was_voided_can_be_lost
        a_funnel_is_one_of_a_webhook_or_of_all
    }
    stale_writes {
        of_sixteen_who_saw_the_same_lead_one_writes
        sixteen_who_name_a_lead_by_id_all_write
        an_appointment_that_sixteen_end_at_once_has_one_end
        a_conversion_that_sixteen_void_at_once_is_voided_once
        one_external_id_from_sixteen_at_once_is_one_conversion_and_one_appointment
    }
    isolation {
        webhooks_are_seen_by_their_workspace_only
        contacts_are_seen_by_their_workspace_only
        leads_are_seen_by_their_workspace_only
        payloads_are_seen_by_their_workspace_only
        holders_of_names_are_seen_by_their_workspace_only
        rejections_are_seen_by_their_workspace_only
        appointments_are_seen_by_their_workspace_only
        conversions_are_seen_by_their_workspace_only
        histories_are_seen_by_their_workspace_only
        the_feed_is_seen_by_its_workspace_only
        rollups_are_seen_by_their_workspace_only
        records_are_seen_by_their_workspace_only
        a_change_set_touches_no_row_of_another_workspace
        names_counters_and_windows_of_two_workspaces_know_nothing_of_each_other
    }
    concurrency {
        one_call_from_fifty_threads_makes_one_lead
        many_spellings_of_a_new_number_at_once_are_one_contact
        many_spellings_at_once_are_one_contact_of_each_webhook
        no_conversion_of_a_lead_is_lost
        leads_and_conversions_of_one_contact_do_not_lose_each_other
        of_racing_completions_one_wins
        of_racing_creators_of_one_name_one_wins
        of_racing_releases_one_makes_the_lead
        of_racing_repeats_one_is_taken
        a_limit_holds_under_any_race
        a_tailing_reader_misses_no_position
        one_by_one_batched_and_coalesced_come_to_the_same
        writers_of_several_workspaces_do_not_disturb_each_other
        a_deleted_webhook_takes_nothing_more_whoever_races
    }
    feeds {
        every_workspace_shows_where_its_feed_ends
        whoever_waits_is_woken_by_an_event
        what_has_happened_since_is_not_waited_for
        a_reader_of_all_workspaces_goes_on_where_it_was
        a_reader_of_all_workspaces_misses_nothing
        a_feed_that_ends_with_a_page_hides_no_other
        a_busy_workspace_keeps_no_other_waiting
    }
    streams {
        a_slow_reader_of_a_stream_sees_every_event_in_order
        a_stream_waits_until_it_is_woken_or_its_pause_ends
        a_stream_goes_on_where_it_was_after_an_error
        a_stream_that_is_dropped_has_taken_nothing_with_it
    }
    consumers {
        events_are_handed_out_in_order_until_they_are_acknowledged
        an_acknowledgement_changes_nothing_else
        a_shard_is_one_workers_until_its_lease_ends
        whoever_lost_a_shard_is_not_listened_to
        a_lease_can_be_kept_and_given_back
        an_event_that_fails_is_tried_again_later_each_time
        an_event_that_fails_too_often_is_laid_aside
        a_dead_letter_is_tried_again_or_thrown_away
        without_room_for_a_dead_letter_nothing_is_dropped
        a_paused_consumer_hands_out_nothing
        a_rewound_consumer_begins_again_there
        a_consumer_begins_again_at_a_time
        shards_have_all_events_between_them
        another_number_of_shards_leaves_out_nothing
        wrong_names_settings_and_positions_are_all_named
        consumers_belong_to_their_workspace_and_have_a_bound
        a_removed_consumer_is_listened_to_no_more
        dead_letters_keep_a_consumer_from_being_removed
        no_acknowledgement_outlives_its_consumer
        an_api_key_needs_the_right_to_administrate
        what_is_far_behind_the_events_of_others_is_found
        no_two_workers_have_one_contact_at_once
        workers_that_die_leave_nothing_unhandled
    }
    durability {
        what_is_acknowledged_survives_a_crash
        after_a_crash_everything_goes_on_where_it_was
        what_many_writers_were_told_survives_a_crash
    }
    privacy {
        rows_and_events_show_no_personal_datum_in_debug
        answers_and_errors_show_no_personal_datum
        what_a_store_refuses_shows_no_personal_datum
    }
    mission {
        the_core_structure_and_the_main_data_flow_hold
        lead_sources_reach_the_webhook_api
        the_webhook_api_makes_contacts
        the_webhook_api_stores_leads
        contacts_come_to_appointments
        leads_come_to_appointments
        appointments_come_to_conversions
        contacts_have_their_leads
        workspaces_have_their_leads
        workspaces_have_their_contacts
        workspaces_have_their_appointments
        workspaces_have_their_conversions
        leads_feed_the_lead_analytics
        conversions_feed_the_conversion_analytics
        leads_have_their_events
        appointments_have_their_events
        conversions_have_their_events
        providers_send_through_the_webhook_api
        providers_leave_a_usage_log
        routing_rules_send_appointments_on
        raw_lead_data_is_kept_as_it_was_sent
        customer_info_goes_to_the_contact
        lead_details_go_to_the_lead
        contact_details_go_with_the_appointment
        lead_details_go_with_the_appointment
        a_contact_can_have_multiple_leads
        appointment_results_become_conversions
        revenue_is_tracked_from_conversions
        raw_lead_to_contact_to_leads_to_appointments_to_conversions
        contacts_are_the_primary_customer_entities
        john_has_the_id_of_the_document
        john_is_named_john_doe
        john_has_the_phone_of_the_document
        john_has_the_email_of_the_document
        leads_are_campaign_specific_records
        the_solar_campaign_is_lead_1
        the_hvac_campaign_is_lead_2
        the_insurance_campaign_is_lead_3
        a_lead_can_have_many_appointments
        appointments_are_consultations_and_meetings
        the_solar_consultation_is_appointment_1
        the_hvac_estimate_is_appointment_2
        several_appointments_lead_to_one_conversion
        conversions_are_successful_sales_and_revenue
        the_solar_sale_of_5000_dollars_is_conversion_1
        contacts_contain_normalized_customer_information
        contacts_use_six_digit_ids
        one_contact_per_unique_phone_number_per_webhook
        each_lead_is_one_specific_interest
        leads_link_back_to_the_contact
        leads_contain_campaign_utm_and_industry_fields
        multiple_leads_belong_to_the_same_contact
        appointments_link_to_contacts_and_leads
        appointments_track_schedule_status_location_and_staff
        appointments_record_outcomes_and_next_steps
        conversions_track_when_contacts_become_customers
        conversions_link_back_to_contact_and_lead
        conversions_record_value_type_and_metadata
        clients_use_the_same_system_safely
        each_client_has_a_workspace_of_its_own
        workspaces_have_separate_keys_and_permissions
        leads_contacts_and_conversions_belong_to_a_workspace
        an_inactive_client_is_refused_while_others_go_on
        every_major_action_creates_an_event_record
        every_major_table_has_its_events
        every_change_of_a_lead_status_is_a_lead_event
        every_update_of_an_appointment_is_an_appointment_event
        every_step_of_a_conversion_is_a_conversion_event
        events_are_a_complete_history_of_everything
        providers_are_companies_that_send_leads_via_api
        providers_have_rate_limits_and_access_control
        usage_tracks_what_providers_do
        lead_analytics_are_daily_statistics_by_webhook
        conversion_analytics_are_revenue_and_performance
        reports_come_from_sums_that_are_kept
        contacts_show_their_key_fields
        leads_show_their_key_fields
        appointments_show_their_key_fields
        conversions_show_their_key_fields
        workspaces_separate_clients_by_name_key_and_permissions
        contacts_created_today_are_one_call
        appointments_of_the_next_week_are_one_call
        leads_of_a_phone_are_one_call
        conversion_rates_by_source_are_one_call
        workspace_statistics_are_one_call
        contacts_with_several_leads_are_one_call
        a_contact_can_have_many_appointments_across_leads
        one_workspace_contains_many_contacts_leads_and_appointments
        the_complete_customer_journey_is_tracked
    }
    random {
        operations_match_the_model
        a_key_means_one_contact
        contacts_are_numbered_by_the_series
        what_was_acknowledged_stays_and_happened_once
        every_change_has_its_event_and_every_event_its_change
        every_stream_is_numbered_without_a_gap
        the_feed_has_no_gap
        who_stands_by_sees_nothing
        routing_is_a_function_of_rules_and_request
        rollups_equal_a_recount
        what_came_in_is_kept_with_every_reason
        every_change_of_a_status_is_legal
        a_lead_is_where_what_happened_leads
        conversions_name_their_touches
        a_contact_is_what_its_leads_say_in_any_order
        nothing_personal_is_shown
        pages_are_as_long_as_asked_for
    }
}
