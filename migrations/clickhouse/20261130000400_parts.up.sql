-- How parts are written. A part of an insert is one file for all columns rather than four hundred, each created and
-- synced; what merges make of it becomes one file per column as soon as that is worth it, column after column
-- rather than row by row. The narrow twin has few enough columns to stay as it is for longer.
ALTER TABLE observations MODIFY SETTING
    min_bytes_for_wide_part = 50331648, vertical_merge_algorithm_min_rows_to_activate = 1;

ALTER TABLE observations_core MODIFY SETTING
    min_bytes_for_wide_part = 268435456;

ALTER TABLE logs MODIFY SETTING
    min_bytes_for_wide_part = 50331648, vertical_merge_algorithm_min_rows_to_activate = 1;

ALTER TABLE metrics MODIFY SETTING
    min_bytes_for_wide_part = 50331648, vertical_merge_algorithm_min_rows_to_activate = 1;
