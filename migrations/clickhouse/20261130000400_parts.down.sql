ALTER TABLE metrics RESET SETTING
    min_bytes_for_wide_part, vertical_merge_algorithm_min_rows_to_activate;

ALTER TABLE logs RESET SETTING
    min_bytes_for_wide_part, vertical_merge_algorithm_min_rows_to_activate;

ALTER TABLE observations_core RESET SETTING
    min_bytes_for_wide_part;

ALTER TABLE observations RESET SETTING
    min_bytes_for_wide_part, vertical_merge_algorithm_min_rows_to_activate;
