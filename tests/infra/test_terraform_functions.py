"""The services that Terraform makes and the functions of the code are the same, and each may do just what it needs."""

from __future__ import annotations

import pytest

from shared.events import EVENTS
from tests.infra.terraform import GCP, ROOT, blocks, functions, local_value, text
from tests.infra.wiring import calls_method, published, reached

FOLDERS = {path.parent.name for path in (ROOT / "functions").glob("*/main.py")}
REPOSITORIES = {"shoots", "trainings", "models", "accounts", "stories", "notices", "erasures"}
BUCKETS = {"shoots", "datasets", "models", "thumbnails"}

# The operators' route looks at everything, and says where it may not: that needs no grant.
LOOKED_AT = {"api": {"datasets"}}

# Where shoots are ours to fill, they are ours to delete (test_terraform_storage.py); elsewhere no plan names them.
WHERE_IMPORTED = {"eraser": {"shoots"}}

# What each role lets do, of what a bucket's port offers beside reading.
ROLES = {
    "roles/storage.objectViewer": set[str](),
    "roles/storage.objectUser": {"write", "copy", "delete"},
    "object_remover": {"delete"},
}

each_function = pytest.mark.parametrize("name", sorted(FOLDERS))


def test_every_function_has_its_service_by_its_source_and_target() -> None:
    assert set(functions()) == FOLDERS
    for name, function in functions().items():
        entry = ROOT / function["source"]
        assert entry == ROOT / "functions" / name / "main.py"
        assert f"def {function['target']}(request: Request)" in entry.read_text()


def test_nothing_is_public_but_the_api_and_the_webhook() -> None:
    assert {name for name, function in functions().items() if function["public"]} == {"api", "webhook"}
    service = blocks("google_cloud_run_v2_service", GCP / "modules" / "function")["service"]
    assert service["ingress"] == '${var.public ? "INGRESS_TRAFFIC_ALL" : "INGRESS_TRAFFIC_INTERNAL_ONLY"}'
    assert service["invoker_iam_disabled"] == "${var.public && !var.behind_iap}"


def test_nothing_is_granted_to_everybody() -> None:
    for path in GCP.rglob("*.tf"):
        for line in text(path).splitlines():
            assert line.lstrip().startswith("#") or ("allUsers" not in line and "allAuthenticatedUsers" not in line)


def test_a_service_runs_as_its_own_account_and_that_is_granted_everything() -> None:
    module = GCP / "modules" / "function"
    assert list(blocks("google_service_account", module)) == ["account"]
    (template,) = blocks("google_cloud_run_v2_service", module)["service"]["template"]
    assert template["service_account"] == "${google_service_account.account.email}"
    grants = [kind for kind in ("google_project_iam_member", "google_storage_bucket_iam_member")]
    for kind in (*grants, "google_secret_manager_secret_iam_member", "google_service_account_iam_member"):
        for grant in blocks(kind, module).values():
            assert grant["member"] == "${google_service_account.account.member}"


def test_a_service_has_a_processor_while_it_works_and_starts_quickly() -> None:
    (template,) = blocks("google_cloud_run_v2_service", GCP / "modules" / "function")["service"]["template"]
    (container,) = template["containers"]
    (resources,) = container["resources"]
    assert (resources["cpu_idle"], resources["startup_cpu_boost"]) == (True, True)
    # any request would be work: the monitor takes one for a tick
    (probe,) = container["startup_probe"]
    assert "tcp_socket" in probe and "http_get" not in probe and "liveness_probe" not in container


def test_clients_survive_the_fork_and_ask_for_no_buckets() -> None:
    runtime = local_value("runtime")
    assert runtime["GRPC_ENABLE_FORK_SUPPORT"] == "1"
    assert runtime["DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA"] == "true"


def test_a_server_has_a_thread_for_every_request_that_it_is_sent() -> None:
    assert "THREADS = tostring(function.concurrency)" in local_value("environment")


@each_function
def test_a_function_reaches_the_database_only_where_it_reads_documents(name: str) -> None:
    expected = ["roles/datastore.user"] if reached(name) & REPOSITORIES else []
    assert functions()[name]["project_roles"] == expected


@each_function
def test_a_function_may_use_the_buckets_that_its_code_uses_and_no_other(name: str) -> None:
    used = {bucket for bucket in BUCKETS if f"{bucket}_bucket" in reached(name)}
    assert set(functions()[name]["buckets"]) == used - LOOKED_AT.get(name, set()) - WHERE_IMPORTED.get(name, set())


def test_what_is_only_read_or_only_deleted_cannot_be_overwritten() -> None:
    may = {
        (name, bucket): set[str]().union(*(ROLES[role] for role in roles))
        for name, function in functions().items()
        for bucket, roles in function["buckets"].items()
    }
    everything = {"write", "copy", "delete"}
    assert {place for place, rights in may.items() if rights == everything} == {
        ("packager", "datasets"),
        ("mirror", "models"),
        ("api", "thumbnails"),
    }
    assert {place for place, rights in may.items() if rights == {"delete"}} == {
        ("mirror", "datasets"),
        ("monitor", "datasets"),
        ("eraser", "datasets"),
        ("eraser", "models"),
        ("eraser", "thumbnails"),
    }


@each_function
def test_a_function_may_publish_what_it_publishes_and_nothing_else(name: str) -> None:
    made = {topic for topic, event in EVENTS.items() if event.__name__ in published(name)}
    assert set(functions()[name]["publishes"]) == made


@each_function
def test_nobody_but_the_api_reaches_dead_letters(name: str) -> None:
    # whether it may is in test_terraform_topics.py: only where there are operators
    assert ("dead_letters" in reached(name)) == (name == "api")


@each_function
def test_only_those_who_sign_urls_may_sign(name: str) -> None:
    assert functions()[name]["signs_urls"] == calls_method(name, "sign")


@each_function
def test_only_those_who_call_fal_have_its_key_and_only_who_notifies_what_signs(name: str) -> None:
    needed = {"FAL_KEY": "trainer", "NOTIFY_SECRET": "receiver"}
    assert functions()[name]["secrets"] == [secret for secret, port in needed.items() if port in reached(name)]


@each_function
def test_a_function_is_told_the_settings_that_it_reads_and_no_others(name: str) -> None:
    read = {setting.removesuffix("_settings") for setting in reached(name) if setting.endswith("_settings")}
    assert set(functions()[name]["settings"]) == read


COLUMNS = ("project", "shoots", "datasets", "models", "thumbnails", "publishes", "signs URLs", "secret", "public")


def told_grants() -> dict[str, dict[str, set[str]]]:
    """The table of docs/security.md: by account and column the words in its cell."""
    lines = (ROOT / "docs" / "security.md").read_text().splitlines()
    start = lines.index(f"| account | {' | '.join(COLUMNS)} |") + 2
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[start : start + len(FOLDERS)]]
    return {
        name.strip("`"): {
            column: {word.strip("`") for word in cell.split()} for column, cell in zip(COLUMNS, cells, strict=True)
        }
        for name, *cells in rows
    }


def granted(name: str) -> dict[str, set[str]]:
    """The same, from Terraform."""
    function = functions()[name]
    words = {
        "project": function["project_roles"],
        **{bucket: function["buckets"].get(bucket, []) for bucket in sorted(BUCKETS)},
        "publishes": function["publishes"],
        "signs URLs": ["yes"] if function["signs_urls"] else [],
        "secret": function["secrets"],
        "public": ["yes"] if function["public"] else [],
    }
    return {column: {word.removeprefix("roles/") for word in words[column]} for column in COLUMNS}


def test_what_every_account_may_do_is_told_in_the_document_on_security() -> None:
    assert told_grants() == {name: granted(name) for name in FOLDERS}


def test_the_document_on_scale_tells_how_many_requests_are_worked_on_at_a_time() -> None:
    text = (ROOT / "docs" / "scale.md").read_text()
    for name in ("packager", "mirror"):
        function = functions()[name]
        told = f"{function['max_instances']} instances of {function['concurrency']} requests"
        assert f"| packager and mirror | {told} |" in text, name
    assert f"`EVENTS_STREAMS=200` on each of {functions()['api']['max_instances']} instances" in text


def test_a_claim_ends_after_the_request_that_holds_it() -> None:
    from shared.settings import FalSettings, SubmitSettings

    fal_s = FalSettings.model_fields["fal_timeout_s"].default
    assert fal_s < functions()["submitter"]["timeout_s"] < SubmitSettings.model_fields["claim_lease_s"].default
