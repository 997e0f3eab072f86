"""Topics, subscriptions and dead letters are those of shared/events.py, and none loses or outlives a message."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from functions.notifier.main import LEASE_MARGIN_S
from shared.events import EVENTS, NOTIFIER, SUBSCRIPTIONS, dead_letter_name, subscription_name, subscriptions
from shared.settings import DeliverySettings, NotifySettings, SubmitSettings
from tests.infra.terraform import GCP, blocks, functions, local_value, parsed

MODULE = GCP / "modules" / "topic"
ATTEMPTS: int = DeliverySettings.model_fields["max_delivery_attempts"].default


def deliveries() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every subscriber with how messages are delivered to it."""
    for subscribers in local_value("topics").values():
        yield from subscribers.items()


def test_there_are_the_topics_and_subscribers_of_the_code() -> None:
    topics = local_value("topics")
    assert set(topics) == set(EVENTS)
    assert {topic: tuple(subscribers) for topic, subscribers in topics.items()} == dict(SUBSCRIPTIONS)


def test_subscriptions_and_dead_letters_are_named_as_in_the_code() -> None:
    def named(template: str) -> str:
        return template.replace("${var.name}", "a-topic").replace("${each.key}", "somebody")

    subscription = subscription_name("a-topic", "somebody")
    assert named(blocks("google_pubsub_subscription", MODULE)["subscription"]["name"]) == subscription
    assert named(blocks("google_pubsub_topic", MODULE)["dead_letter"]["name"]) == dead_letter_name(subscription)
    # and so is the subscription in which they lie
    lying = blocks("google_pubsub_subscription", MODULE)["dead_letter"]
    assert lying["name"] == "${google_pubsub_topic.dead_letter[each.key].name}"


def test_every_subscription_has_its_dead_letters_and_these_are_kept() -> None:
    subscriptions = blocks("google_pubsub_subscription", MODULE)
    (policy,) = subscriptions["subscription"]["dead_letter_policy"]
    assert policy["dead_letter_topic"] == "${google_pubsub_topic.dead_letter[each.key].id}"
    assert subscriptions["dead_letter"]["topic"] == "${google_pubsub_topic.dead_letter[each.key].id}"
    # looking at dead letters holds them and gives them back at once: nothing may delay or move them then
    assert not {"retry_policy", "dead_letter_policy", "push_config"} & set(subscriptions["dead_letter"])
    every = "${var.subscriptions}"
    topics = blocks("google_pubsub_topic", MODULE)
    assert {topics["dead_letter"]["for_each"], *(s["for_each"] for s in subscriptions.values())} == {every}


def test_pubsub_itself_may_move_dead_letters() -> None:
    arrive = blocks("google_pubsub_topic_iam_member", MODULE)["dead_letters_arrive"]
    assert (arrive["role"], arrive["member"]) == ("roles/pubsub.publisher", "${local.agent}")
    assert arrive["topic"] == "${google_pubsub_topic.dead_letter[each.key].name}"
    leave = blocks("google_pubsub_subscription_iam_member", MODULE)["dead_letters_leave"]
    assert (leave["role"], leave["member"]) == ("roles/pubsub.subscriber", "${local.agent}")
    assert leave["subscription"] == "${google_pubsub_subscription.subscription[each.key].name}"


def test_the_api_may_redrive_dead_letters_only_where_there_are_operators() -> None:
    condition, _, granted = local_value("redrivers").partition("?")
    assert "length(coalesce(var.settings.api.operators, [])) == 0" in condition
    assert granted.replace(" ", "").rstrip("}") == '{}:{api=module.function["api"].member'
    redrive = blocks("google_pubsub_subscription_iam_member", MODULE)["redrivers"]
    assert (redrive["role"], redrive["member"]) == ("roles/pubsub.subscriber", "${each.value.member}")
    assert redrive["subscription"] == "${google_pubsub_subscription.dead_letter[each.value.subscriber].name}"
    topic = parsed(GCP / "topics.tf")["module"][0]["topic"]
    assert topic["redrivers"] == "${local.redrivers}"
    # redriving publishes what a function, not the API, once made
    assert "? {} : local.redrivers" in topic["publishers"]


def test_an_idle_subscription_is_not_deleted() -> None:
    for subscription in blocks("google_pubsub_subscription", MODULE).values():
        assert subscription["expiration_policy"] == [{"ttl": ""}]


def test_a_function_answers_before_its_message_is_delivered_again() -> None:
    for name, delivery in deliveries():
        assert functions()[name]["timeout_s"] <= delivery["ack_deadline_s"] <= 600, name


def test_a_claim_lapses_before_its_message_is_dead() -> None:
    # at the least: Pub/Sub promises the minimum alone
    waited_s = (ATTEMPTS - 1) * local_value("topics")["dataset-packaged"]["submitter"]["minimum_backoff_s"]
    assert waited_s > SubmitSettings.model_fields["claim_lease_s"].default


def test_a_notifications_claim_lapses_before_its_message_is_dead() -> None:
    lease_s = NotifySettings.model_fields["notify_timeout_s"].default + LEASE_MARGIN_S
    waited_s = (ATTEMPTS - 1) * local_value("topics")["training-finished"]["notifier"]["minimum_backoff_s"]
    assert lease_s < functions()["notifier"]["timeout_s"] < waited_s


def test_the_notifier_hears_only_where_somebody_is_notified() -> None:
    assert 'if function != "notifier" || local.notifies' in local_value("pushed")
    module = parsed(GCP / "functions.tf")["module"][0]["function"]
    assert 'if name != "NOTIFY_SECRET" || local.notifies' in module["secrets"]
    assert "var.settings.notify.notify_url" in local_value("notifies")
    told = {topic for topic, functions in subscriptions(notifies=False).items() if NOTIFIER in functions}
    assert told == set()


def test_consumers_and_subscriptions_agree_on_the_last_attempt() -> None:
    assert "local.settings.delivery.max_delivery_attempts" in local_value("pushed")
    for subscribers in SUBSCRIPTIONS.values():
        assert all("delivery" in functions()[name]["settings"] for name in subscribers)


def test_pushes_carry_a_token_of_an_account_that_may_call_and_nothing_else() -> None:
    (dynamic,) = blocks("google_pubsub_subscription", MODULE)["subscription"]["dynamic"]
    (push,) = dynamic["push_config"]["content"]
    (token,) = push["oidc_token"]
    assert token == {
        "service_account_email": "${push_config.value.account}",
        "audience": "${push_config.value.endpoint}",
    }
    assert "account = google_service_account.pusher.email" in local_value("pushed")
    mentions = [path.name for path in GCP.rglob("*.tf") if "google_service_account.pusher.member" in path.read_text()]
    assert mentions == ["functions.tf"], "it is granted nothing but to call functions"


def test_the_monitor_ticks_every_minute_and_without_a_body() -> None:
    job = blocks("google_cloud_scheduler_job")["tick"]
    assert job["schedule"] == "* * * * *"
    assert job["attempt_deadline"] == "${local.functions.monitor.timeout_s}s"
    (target,) = job["http_target"]
    assert "body" not in target, "with one, the monitor would take it for a message"
    assert target["oidc_token"][0]["service_account_email"] == "${google_service_account.scheduler.email}"
