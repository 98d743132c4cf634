-- Columns that are mostly empty are written whole all the same. Telling what is empty costs an insert and each merge
-- more than the zeros do, which compress to nothing.
ALTER TABLE observations MODIFY SETTING
    ratio_of_defaults_for_sparse_serialization = 1;

ALTER TABLE observations_core MODIFY SETTING
    ratio_of_defaults_for_sparse_serialization = 1;
