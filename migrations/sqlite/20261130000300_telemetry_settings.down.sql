DROP TABLE telemetry_settings;
