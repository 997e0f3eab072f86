"""The arguments of the provider that we use, each looked up in its documentation: hashicorp/google 7.45.

Terraform without its registry cannot tell a misspelt argument. So whoever uses a new one looks it up, and names it
here. Nested blocks are dotted: `template.containers.image`.
"""

from __future__ import annotations

from collections.abc import Mapping

ARGUMENTS: Mapping[str, str] = {
    "google_artifact_registry_repository": (
        "description docker_config.immutable_tags format labels location project repository_id"
    ),
    "google_billing_budget": (
        "all_updates_rule.disable_default_iam_recipients all_updates_rule.monitoring_notification_channels "
        "amount.specified_amount.units billing_account budget_filter.projects display_name "
        "threshold_rules.spend_basis threshold_rules.threshold_percent"
    ),
    "google_cloud_run_v2_service": (
        "deletion_protection description iap_enabled ingress invoker_iam_disabled labels location name project "
        "template.containers.env.name template.containers.env.value "
        "template.containers.env.value_source.secret_key_ref.secret "
        "template.containers.env.value_source.secret_key_ref.version "
        "template.containers.image template.containers.ports.container_port "
        "template.containers.resources.cpu_idle template.containers.resources.limits "
        "template.containers.resources.startup_cpu_boost template.containers.startup_probe.failure_threshold "
        "template.containers.startup_probe.period_seconds template.containers.startup_probe.tcp_socket.port "
        "template.containers.startup_probe.timeout_seconds template.max_instance_request_concurrency "
        "template.scaling.max_instance_count template.scaling.min_instance_count "
        "template.service_account template.timeout"
    ),
    "google_cloud_run_v2_service_iam_member": "location member name project role",
    "google_cloud_scheduler_job": (
        "attempt_deadline description http_target.http_method http_target.oidc_token.audience "
        "http_target.oidc_token.service_account_email http_target.uri name project region retry_config.retry_count "
        "schedule time_zone"
    ),
    "google_firebaserules_release": "name project ruleset_name",
    "google_firebaserules_ruleset": "project source.files.content source.files.name",
    "google_firestore_backup_schedule": "daily_recurrence database project retention",
    "google_firestore_database": (
        "delete_protection_state location_id name point_in_time_recovery_enablement project type"
    ),
    "google_firestore_field": "collection database field index_config project ttl_config",
    "google_firestore_index": "collection database fields.field_path fields.order project",
    "google_iap_web_cloud_run_service_iam_member": "cloud_run_service_name location member project role",
    "google_logging_metric": (
        "bucket_options.exponential_buckets.growth_factor bucket_options.exponential_buckets.num_finite_buckets "
        "bucket_options.exponential_buckets.scale description filter label_extractors metric_descriptor.labels.key "
        "metric_descriptor.labels.value_type metric_descriptor.metric_kind metric_descriptor.value_type name project "
        "value_extractor"
    ),
    "google_monitoring_alert_policy": (
        "combiner conditions.condition_prometheus_query_language.disable_metric_validation "
        "conditions.condition_prometheus_query_language.duration "
        "conditions.condition_prometheus_query_language.evaluation_interval "
        "conditions.condition_prometheus_query_language.query conditions.display_name display_name "
        "documentation.content documentation.mime_type notification_channels project severity user_labels"
    ),
    "google_monitoring_dashboard": "dashboard_json project",
    "google_project_iam_audit_config": "audit_log_config.log_type project service",
    "google_project_iam_custom_role": "description permissions project role_id title",
    "google_project_iam_member": "member project role",
    "google_project_service": "disable_on_destroy project service",
    "google_pubsub_subscription": (
        "ack_deadline_seconds dead_letter_policy.dead_letter_topic dead_letter_policy.max_delivery_attempts "
        "expiration_policy.ttl labels message_retention_duration name project push_config.oidc_token.audience "
        "push_config.oidc_token.service_account_email push_config.push_endpoint retry_policy.maximum_backoff "
        "retry_policy.minimum_backoff topic"
    ),
    "google_pubsub_subscription_iam_member": "member project role subscription",
    "google_pubsub_topic": (
        "labels message_retention_duration message_storage_policy.allowed_persistence_regions name project"
    ),
    "google_pubsub_topic_iam_member": "member project role topic",
    "google_secret_manager_secret": "labels project replication.auto secret_id",
    "google_secret_manager_secret_iam_member": "member project role secret_id",
    "google_service_account": "account_id display_name project",
    "google_service_account_iam_member": "member role service_account_id",
    "google_storage_bucket": (
        "cors.max_age_seconds cors.method cors.origin cors.response_header force_destroy labels "
        "lifecycle_rule.action.type lifecycle_rule.condition.age lifecycle_rule.condition.matches_prefix location name "
        "project public_access_prevention soft_delete_policy.retention_duration_seconds uniform_bucket_level_access"
    ),
    "google_storage_bucket_iam_member": "bucket member role",
}
