DROP TABLE IF EXISTS ai_routing_metrics SYNC;

DROP TABLE IF EXISTS request_logs SYNC;
