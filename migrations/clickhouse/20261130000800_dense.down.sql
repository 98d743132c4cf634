ALTER TABLE observations_core RESET SETTING
    ratio_of_defaults_for_sparse_serialization;

ALTER TABLE observations RESET SETTING
    ratio_of_defaults_for_sparse_serialization;
