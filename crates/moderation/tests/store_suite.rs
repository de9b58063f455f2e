//! One suite, run on both engines: what the rooms and flows promise, through the flows.
//!
//! On Postgres it needs `SEAWALL_TEST_POSTGRES`, the address of a server where databases may be made
//! (`scripts/with-postgres.sh` starts one). Without it those tests fail; they are never passed over.

mod suite {
    pub mod access;
    pub mod actions;
    pub mod archive;
    pub mod banks;
    pub mod care;
    pub mod cases;
    pub mod clusters;
    pub mod films;
    pub mod hma;
    pub mod judging;
    pub mod looks;
    pub mod mail;
    pub mod measures;
    pub mod migrations;
    pub mod moot;
    pub mod notes;
    pub mod people;
    pub mod pictures;
    pub mod proposals;
    pub mod proposed_measures;
    pub mod provider;
    pub mod provider_links;
    pub mod provider_strict;
    pub mod quality;
    pub mod races;
    pub mod rechecks;
    pub mod recordings;
    pub mod rights;
    pub mod routing;
    pub mod rules;
    pub mod rules_control;
    pub mod rules_effects;
    pub mod said;
    pub mod search;
    pub mod shift;
    pub mod simulation;
    pub mod stand_in;
    pub mod stand_in_provider;
    pub mod streams;
    pub mod streams_strict;
    pub mod strikes;
    pub mod submit;
    pub mod undo;
    pub mod verify;
    pub mod wishes;
    pub mod world;
}

/// Makes a test of each engine out of each `async fn(World)`.
macro_rules! on_both_engines {
    ($($module:ident :: $name:ident,)+) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                crate::suite::$module::$name(crate::suite::world::World::on_sqlite().await).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                crate::suite::$module::$name(crate::suite::world::World::on_postgres().await).await;
            })+
        }
    };
}

on_both_engines! {
    provider::groups_decide_who_comes_in_and_as_what,
    provider::nobody_is_joined_by_a_name_or_an_address,
    provider::an_answer_is_taken_once_and_only_by_the_browser_that_asked,
    provider::another_providers_answer_is_not_taken,
    provider::a_token_that_anything_is_wrong_with_lets_nobody_in,
    provider::a_new_key_is_found_and_an_unknown_one_is_not_searched_for_ever,
    provider::while_the_provider_is_down_admins_still_come_in,
    provider_links::an_account_is_joined_by_its_owner_who_proves_themselves,
    provider_links::whom_an_admin_names_comes_in_though_only_invited,
    provider_links::without_a_second_factor_there_a_code_is_asked_here,
    provider_links::a_fresh_sign_in_takes_the_place_of_a_password,
    provider_links::the_provider_ends_sessions,
    provider::what_an_id_token_lacks_is_asked_for,
    provider_strict::a_fresh_sign_in_there_takes_a_second_factor_too,
    provider_strict::a_password_does_not_outlive_the_providers_word,
    provider_strict::a_link_that_was_handed_to_somebody_comes_first,
    provider_strict::groups_do_not_take_the_last_admin_away,
    provider_strict::who_is_in_no_group_of_queues_sees_none,
    provider_strict::a_wrong_secret_is_said_of_us_and_not_of_the_person,
    provider_strict::rubbish_asks_the_provider_nothing,
    provider_strict::who_is_signed_out_there_owes_no_code_any_more,
    submit::a_confirmed_match_restricts_and_opens_a_case,
    submit::an_unconfirmed_match_only_opens_a_case,
    submit::nothing_found_leaves_no_case,
    submit::the_same_submission_again_finds_the_same_decision,
    submit::many_at_once_make_one_decision,
    submit::a_late_retry_with_its_key_finds_its_own_decision,
    submit::a_key_that_found_a_known_verdict_keeps_it,
    submit::a_key_that_was_used_keeps_nothing_of_another_request,
    submit::unconfirmed_matches_hide_no_confirmed_one,
    submit::what_cannot_be_hashed_is_unscanned_and_waits_for_a_person,
    submit::another_file_that_cannot_be_fetched_is_another_submission,
    submit::a_file_that_breaks_off_waits_for_a_person_unless_its_part_is_known,
    submit::a_real_image_is_hashed_in_the_jail_and_matched,
    submit::new_content_of_a_restricted_item_stays_restricted,
    submit::checking_remembers_nothing,
    submit::bad_submissions_leave_nothing_behind,
    submit::one_without_the_right_is_refused,
    cases::a_person_confirms_and_no_second_order_goes_out,
    cases::a_person_reverses_and_the_item_is_restored,
    cases::what_changed_since_it_was_seen_is_not_decided,
    cases::two_people_who_decide_at_once_make_one_decision,
    cases::the_next_case_is_the_most_pressing_and_goes_to_one_person,
    cases::escalating_frees_the_case_and_moves_it,
    cases::lists_of_cases_are_read_page_by_page,
    cases::a_key_or_the_operator_cannot_decide,
    cases::the_case_page_shows_everything,
    cases::a_notice_leaves_by_itself_where_a_rule_had_restricted_already,
    care::who_has_seen_much_sees_no_more_until_a_break,
    actions::no_name_of_the_platforms_reaches_a_header,
    search::items_are_found_by_what_they_are_and_who_posted_them,
    search::items_are_found_by_the_label_of_what_they_match,
    search::a_search_ends_where_a_persons_queues_end,
    search::a_picture_in_hand_finds_where_it_was_posted,
    search::what_stands_around_a_case_is_counted,
    search::a_person_opens_a_case_about_what_they_found,
    search::searches_are_kept_by_each_person_alone,
    cases::nothing_is_restricted_as_terrorist_before_its_purpose_is_assessed,
    cases::another_policy_needs_no_assessment_and_what_is_allowed_no_notice,
    actions::an_order_is_signed_and_confirmed,
    actions::orders_about_one_item_are_never_overtaken,
    actions::an_outage_is_survived_and_then_everything_is_delivered,
    actions::what_is_given_up_can_be_retried,
    actions::a_refusal_is_kept_and_shown,
    actions::an_order_that_another_followed_is_not_retried,
    actions::what_a_person_confirms_is_ordered_anew_if_it_was_given_up_or_refused,
    actions::a_refused_restriction_needs_no_restoring,
    actions::an_order_that_waited_long_is_tried_as_long_as_any,
    actions::a_worker_that_died_loses_no_order,
    proposed_measures::an_account_is_closed_by_two_and_for_as_long_as_was_proposed,
    proposed_measures::what_ended_while_it_waited_does_not_begin_anew,
    proposed_measures::a_form_that_is_sent_twice_decides_once,
    mail::people_are_woken_by_mail_once_each_time,
    measures::a_decision_says_all_that_shall_be_so,
    measures::a_suspension_ends_by_itself_and_its_strike_stays,
    measures::what_is_undone_puts_measures_and_their_ends_back,
    measures::an_account_is_freed_with_the_last_item_that_restricts_it_so,
    measures::what_the_platform_cannot_do_is_not_decided,
    strikes::strikes_go_with_their_decisions,
    strikes::a_restriction_that_its_policy_delays_leaves_later,
    undo::what_is_undone_in_time_never_leaves,
    undo::an_undone_restoring_leaves_the_item_restricted,
    undo::only_who_decided_undoes_and_only_in_time,
    undo::what_was_decided_anew_is_not_undone,
    undo::a_delivery_and_an_undo_at_once_leave_one_winner,
    rechecks::what_was_carried_out_is_found_so_at_the_set_times,
    rechecks::an_order_that_was_not_carried_out_is_given_once_more_and_then_a_person_sees_it,
    rechecks::what_comes_back_later_is_noticed_too,
    rechecks::a_platform_that_answers_no_question_leaves_a_doubt_and_gets_no_second_order,
    rechecks::an_order_that_another_replaced_is_not_checked,
    rechecks::an_address_can_tell_in_place_of_the_platform,
    rechecks::every_order_ends_confirmed_or_before_a_person_and_none_is_carried_out_twice,
    banks::an_entry_is_found_as_soon_as_the_call_returns,
    banks::what_is_disabled_removed_or_expired_is_not_found,
    banks::an_import_can_be_run_again,
    banks::an_import_of_many_keeps_each_entry_whole,
    banks::digests_that_begin_alike_are_not_the_same,
    banks::a_family_that_begins_alike_is_imported_once,
    banks::an_import_and_others_who_write_leave_no_gap_in_the_feed,
    banks::the_planner_knows_of_a_bank_that_grew,
    banks::two_imports_of_one_file_at_once_add_each_entry_once,
    banks::the_same_key_makes_one_entry,
    banks::keys_are_forgotten_after_a_week,
    banks::another_process_sees_changes_through_the_feed,
    banks::what_was_found_before_is_not_found_once_it_is_out_of_force,
    banks::an_index_in_a_folder_goes_on_where_it_stopped,
    banks::an_index_of_another_store_is_not_believed,
    banks::an_index_of_other_qualities_is_made_anew,
    banks::pages_cover_every_entry_once,
    banks::entries_are_whole_whatever_the_language_of_the_database,
    hma::a_bank_that_is_removed_takes_its_entries_along,
    hma::what_is_disabled_is_found_only_where_it_is_asked_for,
    hma::a_new_ratio_holds_for_the_next_lookup_of_any_process,
    hma::signals_are_counted_anew_when_there_are_others,
    hma::a_removed_bank_goes_by_no_name,
    hma::entries_of_any_page_of_the_feed_are_removed,
    hma::content_is_found_by_its_number_with_what_was_said_of_it,
    hma::everything_is_forgotten_and_numbers_begin_again,
    hma::only_the_operator_forgets_everything,
    hma::banks_that_take_no_part_crowd_nobody_out,
    migrations::a_store_of_before_lean_imports_is_brought_up_to_date,
    migrations::keys_of_before_get_their_makers_from_the_log,
    races::a_submission_takes_no_case_from_who_works_on_it,
    races::a_sign_in_under_way_brings_no_disabled_user_back,
    races::a_sign_in_under_way_meets_a_new_invitation,
    races::two_admins_who_demote_each_other_leave_one,
    races::two_first_starts_invite_one_admin,
    races::two_changes_of_a_bank_or_an_entry_both_hold,
    races::a_restore_overwrites_nobody_who_writes_already,
    rights::every_flow_asks_for_its_right,
    rights::cases_of_other_queues_are_not_there,
    rights::sending_an_item_again_opens_no_other_queue,
    rights::who_holds_a_case_keeps_it_when_it_moves,
    people::a_session_is_listed_and_ended,
    people::other_roles_end_sessions,
    people::a_recovery_code_is_good_once,
    people::a_new_password_ends_other_sessions,
    people::a_token_opens_what_its_person_may_and_dies_with_them,
    people::how_much_people_looked_at_is_counted,
    access::an_invitation_is_good_once,
    access::signing_in_needs_all_three_and_a_code_is_good_once,
    access::guessing_is_slowed_and_tells_nothing_about_names,
    access::strangers_who_guess_do_not_shut_the_user_out,
    access::a_known_browser_is_its_users_alone_and_guesses_no_faster,
    access::a_success_forgives_slips,
    access::many_guesses_at_once_are_no_more_than_one_after_the_other,
    access::the_last_admin_stays,
    access::a_revoked_key_opens_nothing,
    access::a_disabled_user_is_out_at_once,
    verify::a_sound_store_has_no_faults,
    verify::tampering_with_any_part_of_the_log_is_found,
    verify::an_order_without_a_decision_is_found,
    verify::a_log_whose_end_was_moved_back_is_found,
    verify::a_decision_that_was_changed_or_slipped_in_is_found,
    looks::an_edited_picture_is_found,
    looks::evidence_is_kept_as_it_was_found,
    looks::what_is_out_of_force_is_not_seen,
    looks::copies_hide_no_entry_of_a_confirmed_bank,
    looks::crops_are_a_matter_of_the_bank,
    looks::an_incident_has_every_crop_until_it_is_over,
    looks::a_card_of_a_template_reaches_less_far,
    looks::copies_that_were_there_before_say_nothing_of_harmless_ones,
    looks::the_sample_holds_what_nobody_objects_to,
    looks::bare_hashes_are_judged_in_the_background,
    looks::an_index_of_looks_goes_on_where_it_stopped,
    looks::an_index_of_another_layout_is_made_anew,
    looks::entries_come_while_others_are_looked_up,
    recordings::a_clip_of_a_banked_video_is_found_where_it_plays,
    recordings::what_is_only_heard_is_a_lead_and_with_what_is_seen_a_match,
    recordings::a_banked_picture_is_found_in_a_video,
    recordings::an_opening_that_harmless_videos_have_is_no_evidence,
    recordings::what_is_posted_most_is_found_though_nobody_objected_before_it_was_banked,
    recordings::other_processes_and_the_next_start_know_recordings,
    recordings::recordings_are_imported_once_and_exported_whole,
    recordings::a_video_is_unscanned_where_nothing_can_decode_it,
    recordings::one_entry_is_one_recording,
    said::what_is_said_in_a_stream_is_kept_with_its_item_and_rules_read_it,
    said::rules_for_what_is_said_are_told_of_once_and_a_person_stands,
    streams::what_a_stream_shows_is_told_while_it_goes_on,
    streams::one_item_has_one_open_stream,
    streams::an_incident_is_looked_for_in_what_is_there,
    streams::pictures_that_a_stream_shows_are_told_as_they_were_shown_best,
    streams::a_stream_tells_no_more_matches_than_a_file,
    streams::a_piece_of_frames_that_is_sent_again_is_taken_once,
    streams::sound_that_a_platform_sends_beside_frames_is_heard,
    streams::what_a_person_decided_of_a_stream_stands_at_its_end,
    streams::a_stream_whose_process_is_gone_is_opened_anew,
    streams::a_hunt_that_is_cut_off_is_begun_again,
    streams::streams_of_another_process_are_searched_by_it,
    streams::silent_and_lost_streams_end_visibly,
    streams_strict::a_picture_that_comes_little_by_little_is_found,
    streams_strict::two_frames_of_one_moment_are_both_seen,
    streams_strict::who_goes_away_in_the_middle_does_not_cut_off_what_is_found,
    streams_strict::what_cannot_be_done_with_a_stream_is_said,
    streams_strict::no_more_streams_open_at_once_than_may,
    streams_strict::what_was_being_submitted_during_a_hunt_is_found,
    rules::a_new_store_judges_by_the_shipped_rules,
    rules::a_change_goes_from_file_to_live_and_back,
    rules::what_does_not_pass_is_not_kept,
    rules::replay_gives_the_same_bytes_over_restarts_and_processes,
    rules::what_is_rolled_back_changes_no_window,
    rules::windows_are_there_when_a_rule_becomes_live,
    rules::shadow_and_backtest_say_what_would_be_different,
    rules::a_rule_that_people_reverse_is_suspended,
    rules::a_rule_that_suddenly_fires_far_more_is_suspended,
    rules_control::going_back_twice_never_goes_forward,
    rules_control::a_restart_undoes_no_rollback_of_shipped_rules,
    rules_control::a_key_is_no_second_person,
    rules_control::the_first_days_of_a_rule_are_no_surge,
    rules_control::another_review_date_leaves_a_rule_its_past,
    rules_control::a_wave_hides_no_rule_that_is_wrong,
    rules_control::a_replica_that_missed_events_takes_no_windows_with_a_gap,
    rules_control::windows_that_are_written_before_the_turn_miss_nothing,
    rules_control::a_process_runs_few_backtests_at_a_time,
    rules_control::examples_name_no_items_of_other_queues,
    rules_control::what_could_not_be_decided_is_added_up_and_written,
    rules_control::languages_of_a_shadow_are_told_apart_up_to_a_limit,
    rules_effects::lists_are_followed_by_every_process,
    rules_effects::labels_are_set_by_people_and_rules_and_end,
    rules_effects::a_restriction_with_an_end_is_lifted,
    rules_effects::what_fires_again_lasts_longer,
    rules_effects::a_rule_makes_its_own_queue,
    rules_effects::what_the_platform_says_reaches_the_rules,
    judging::a_persons_decision_outlives_what_is_only_said_of_the_item,
    judging::what_rules_decided_holds_while_nothing_else_would_follow,
    judging::a_restriction_outlives_the_facts_that_it_came_of,
    judging::what_is_said_of_an_item_is_no_change_of_its_content,
    judging::an_account_is_restored_with_the_last_item_that_restricts_it,
    judging::a_restriction_ends_whatever_rules_said_meanwhile,
    judging::what_is_looked_at_after_its_end_is_measured,
    judging::a_person_confirms_a_part_or_takes_the_whole_down,
    judging::an_item_that_is_judged_again_is_no_newer,
    judging::a_rule_shortens_no_label,
    judging::a_second_reason_moves_a_case_up_in_its_queue,
    judging::a_label_of_the_event_before_is_known,
    judging::versions_that_come_at_once_are_decided_one_after_the_other,
    films::a_cut_and_re_encoded_film_is_found,
    films::a_film_is_found_in_a_stream,
    films::a_moving_picture_that_is_made_of_a_film_is_found,
    recordings::what_is_said_is_kept_and_rules_read_it,
    films::a_stream_that_cannot_be_looked_at_waits_for_a_person,
    films::an_incident_is_heard_in_a_stream,
    films::damage_after_a_decision_is_told,
    films::a_stream_that_is_longer_than_may_be_is_not_looked_at_whole,
    films::what_came_last_is_looked_at_before_a_stream_is_over,
    quality::a_second_answer_is_blind_and_changes_nothing,
    quality::a_difference_is_settled_by_a_third_and_decided_as_any_case,
    quality::decisions_are_drawn_once_and_with_their_share,
    quality::no_more_is_drawn_than_can_be_answered,
    quality::a_question_about_a_changed_item_is_void,
    quality::a_question_comes_between_two_cases,
    quality::golden_cases_are_asked_among_others_and_learned_of_later,
    quality::golden_cases_keep_to_their_queues_and_versions,
    moot::nothing_is_lifted_for_what_was_refused,
    moot::what_was_restricted_while_a_person_looked_is_not_lifted,
    moot::a_warning_is_given_and_restricts_nothing,
    moot::what_a_person_told_is_told_though_something_ended,
    moot::what_was_lifted_in_its_delay_never_leaves,
    moot::to_retry_cuts_no_undo_short,
    moot::what_an_item_let_go_of_is_not_delivered_later,
    notes::comments_stay_among_those_who_see_the_case,
    notes::who_commented_is_not_asked_blindly,
    notes::a_text_is_read_in_another_language,
    archive::a_backup_restores_into_either_engine,
    archive::a_damaged_backup_is_refused_whole,
    routing::lanes_go_one_before_the_other,
    routing::what_people_find_moves_what_waits,
    routing::a_lease_lasts_as_long_as_its_holder_looks,
    routing::a_case_is_taken_over_with_a_note,
    routing::people_are_given_what_they_can_do,
    routing::the_platform_is_told_of_what_is_due,
    routing::a_time_without_anybody_is_told,
    routing::a_case_that_moves_keeps_its_deadline,
    quality::nobody_is_asked_about_what_they_do_not_want,
    wishes::what_a_person_does_not_want_is_not_given_to_them,
    wishes::a_label_of_known_content_says_what_a_case_may_be_about,
    wishes::nobody_else_sees_what_somebody_does_not_want,
    wishes::a_queue_that_nobody_there_takes_whole_counts_as_uncovered,
    measures::a_confirm_goes_on_with_what_has_not_ended,
    measures::a_restore_that_failed_is_looked_at_again,
    proposals::small_baskets_are_counted_together,
    mail::the_mail_server_is_tried_without_a_letter,
    routing::a_shift_lies_where_its_clocks_say,
    proposals::nobody_decides_alone_what_needs_two,
    proposals::what_is_decided_otherwise_or_changes_is_overtaken,
    proposals::a_proposal_ends_once_however_it_ends,
    proposals::many_items_wait_for_a_second_person,
    proposals::few_items_are_decided_at_once_and_undone_as_one,
    proposals::the_second_person_can_take_back_what_they_approved,
    proposals::what_is_cut_off_is_gone_on_with_and_nothing_is_decided_twice,
    proposals::proposals_end_where_a_persons_queues_end,
    proposals::a_deadline_goes_on_while_a_second_person_is_waited_for,
    clusters::a_case_stands_for_what_shows_the_same,
    clusters::the_same_file_is_told_from_one_that_only_looks_like_it,
    shift::a_shift_of_eight_loses_nothing_and_decides_nothing_twice,
    simulation::any_course_of_events_keeps_the_invariants,
}
