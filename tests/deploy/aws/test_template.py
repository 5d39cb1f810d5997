"""What the template promises, whatever else is changed in it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from tests.deploy.aws.template import PATH, PSEUDO, Template, listed, raw, strings

from logweir.backends.aws.names import Names
from logweir.settings import Settings, load

FUNCTION = "AWS::Serverless::Function"
QUEUE = "AWS::SQS::Queue"
ALARM = "AWS::CloudWatch::Alarm"
TEMPLATE_BYTES_MAX = 51_200  # sent as it is; above that it would have to lie in a bucket
ACCOUNT_CONCURRENCY = 10  # of a new account
WORKERS = {"LogsFunction": "LogsQueue", "ChunksFunction": "ChunksQueue"}
CHUNK_SECONDS = raw()["Parameters"]["ChunkSeconds"]["AllowedValues"]
CHOICES = [
    Template(),
    Template(Lanes="1"),
    Template(TableMode="on-demand", AlarmEmail="ops@example.com", GatewayConcurrency=20),
]


@pytest.fixture(params=CHOICES, ids=["default", "one lane", "on demand"])
def template(request: pytest.FixtureRequest) -> Template:
    chosen: Template = request.param
    return chosen


def mapping_of(function: dict[str, Any]) -> dict[str, Any]:
    (event,) = function["Events"].values()
    assert event["Type"] == "SQS"
    properties: dict[str, Any] = event["Properties"]
    return properties


def settings_of(function: dict[str, Any]) -> Settings:
    """As the function reads them: an unknown name or an impossible value is an error."""
    variables = function["Environment"]["Variables"]
    return load({name: str(value) for name, value in variables.items()} | {"AWS_REGION": "r-1"})


def metrics_of(template: Template) -> set[str]:
    """Those that are counted from logs."""
    filters = template.of("AWS::Logs::MetricFilter").values()
    return {each["MetricName"] for f in filters for each in f["MetricTransformations"]}


# ---- time --------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", CHUNK_SECONDS)
def test_a_function_has_time_for_its_chunk_and_its_message_stays_hidden_for_that_time(
    seconds: str,
) -> None:
    template = Template(
        ChunkSeconds=seconds, BatchWindow=raw()["Parameters"]["BatchWindow"]["MaxValue"]
    )
    for name, queue in WORKERS.items():
        function, mapping = template[name], mapping_of(template[name])

        assert mapping["Queue"] == f"${{{queue}.Arn}}"
        assert float(seconds) + 30 <= function["Timeout"] <= 900
        assert settings_of(function).chunk_seconds == float(seconds)
        window = mapping["MaximumBatchingWindowInSeconds"]
        assert template[queue]["VisibilityTimeout"] >= function["Timeout"] + window + 10


def test_what_was_cut_off_comes_back_within_two_minutes() -> None:
    assert Template()["LogsQueue"]["VisibilityTimeout"] <= 120


def test_the_gateway_has_time_to_plan_and_to_publish(template: Template) -> None:
    assert template["Gateway"]["Timeout"] >= 2 * Settings().limits.publish_seconds_max


def test_only_the_healthy_of_a_batch_are_taken_off(template: Template) -> None:
    for name in WORKERS:
        if name in template.resources:
            assert mapping_of(template[name])["FunctionResponseTypes"] == [
                "ReportBatchItemFailures"
            ]


def test_batches_above_ten_have_a_window() -> None:
    parameters = raw()["Parameters"]

    assert parameters["BatchWindow"]["MinValue"] >= 1
    assert parameters["BatchSize"]["MaxValue"] <= 10_000
    assert mapping_of(Template()["LogsFunction"])["BatchSize"] == 50


def test_the_workers_leave_the_gateway_a_part_of_a_new_account(template: Template) -> None:
    mappings = [mapping_of(template[name]) for name in WORKERS if name in template.resources]
    taken = sum(mapping["ScalingConfig"]["MaximumConcurrency"] for mapping in mappings)

    assert taken <= ACCOUNT_CONCURRENCY - 2


def test_nothing_is_reserved_by_default_since_a_new_account_cannot() -> None:
    reserved = "ReservedConcurrentExecutions"

    assert not [f for f in Template().of(FUNCTION).values() if reserved in f]
    assert Template(GatewayConcurrency=20)["Gateway"][reserved] == 20


# ---- queues and table --------------------------------------------------------------------------


def test_every_queue_keeps_for_14_days_and_is_encrypted(template: Template) -> None:
    queues = template.of(QUEUE)

    assert len(queues) == (5 if template.parameters["Lanes"] == "2" else 4) - 1
    for queue in queues.values():
        assert queue["MessageRetentionPeriod"] == 14 * 24 * 3600
        assert queue["SqsManagedSseEnabled"] is True


def test_the_lanes_give_up_into_the_dead_queue_which_takes_from_them_alone(
    template: Template,
) -> None:
    lanes = [queue for name, queue in template.of(QUEUE).items() if name in WORKERS.values()]
    dead = template["DeadQueue"]
    allowed = dead["RedriveAllowPolicy"]

    assert "RedrivePolicy" not in dead
    assert allowed["redrivePermission"] == "byQueue"
    for lane in lanes:
        assert lane["RedrivePolicy"] == {
            "deadLetterTargetArn": "${DeadQueue.Arn}",
            "maxReceiveCount": 1000,
        }
        assert any(arn.endswith(f":{lane['QueueName']}") for arn in allowed["sourceQueueArns"])


def test_names_are_those_that_the_service_uses(template: Template) -> None:
    settings = settings_of(template["Gateway"])
    names = Names.of(settings)
    queues = {queue["QueueName"] for queue in template.of(QUEUE).values()}

    assert queues == {*names.queues, names.dead, names.quarantine}
    assert template["Table"]["TableName"] == names.table
    assert settings.aws_queue_url == (
        f"https://sqs.{PSEUDO['AWS::Region']}.amazonaws.com/{PSEUDO['AWS::AccountId']}"
    )
    assert not settings.on_emulators


@pytest.mark.parametrize("prefix", ["abc", "a" * 20, "my-logs-2"])
def test_every_prefix_that_the_template_takes_the_settings_take_too(prefix: str) -> None:
    assert re.fullmatch(raw()["Parameters"]["Prefix"]["AllowedPattern"], prefix)
    assert settings_of(Template(Prefix=prefix)["Gateway"]).aws_prefix == prefix


def test_the_table_is_keyed_as_the_store_keys_and_forgets_what_expires(template: Template) -> None:
    table = template["Table"]

    assert {each["KeyType"]: each["AttributeName"] for each in table["KeySchema"]} == {
        "HASH": "pk",
        "RANGE": "sk",
    }
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert "GlobalSecondaryIndexes" not in table


def test_what_was_stored_outlives_the_stack(template: Template) -> None:
    table = template.resources["Table"]

    assert table["DeletionPolicy"] == table["UpdateReplacePolicy"] == "Retain"
    assert table["Properties"]["DeletionProtectionEnabled"] is True
    # A later stack takes it over, which CloudFormation does only by a name.
    assert table["Properties"]["TableName"]


# ---- what it costs -----------------------------------------------------------------------------


def test_by_default_the_table_is_what_is_always_free() -> None:
    table = Template()["Table"]

    assert table["BillingMode"] == "PROVISIONED"
    assert table["ProvisionedThroughput"] == {"ReadCapacityUnits": 25, "WriteCapacityUnits": 25}
    assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] == "false"


def test_on_demand_is_bounded_too() -> None:
    table = Template(TableMode="on-demand")["Table"]

    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert "ProvisionedThroughput" not in table
    assert table["OnDemandThroughput"]["MaxWriteRequestUnits"] <= 1000


def test_nothing_is_always_on(template: Template) -> None:
    free_while_idle = {
        FUNCTION, QUEUE, ALARM, "AWS::DynamoDB::Table",
        "AWS::Events::Rule", "AWS::IAM::ManagedPolicy", "AWS::IAM::Role", "AWS::Lambda::Permission",
        "AWS::Lambda::Url", "AWS::Logs::LogGroup", "AWS::Logs::MetricFilter", "AWS::SNS::Topic",
    }  # fmt: skip

    assert {each["Type"] for each in template.resources.values()} <= free_while_idle
    for function in template.of(FUNCTION).values():
        assert not {"ProvisionedConcurrencyConfig", "SnapStart", "VpcConfig"} & set(function)


def test_alarms_and_metrics_stay_within_what_is_always_free() -> None:
    template = Template(AlarmEmail="ops@example.com")

    assert len(template.of(ALARM)) <= 10
    assert len(metrics_of(template)) <= 10


def test_every_log_group_ends_its_logs(template: Template) -> None:
    groups = template.of("AWS::Logs::LogGroup")

    assert len(groups) == len(template.of(FUNCTION))
    for group in groups.values():
        assert group["RetentionInDays"] == 14
    for function in template.of(FUNCTION).values():
        name = function["LoggingConfig"]["LogGroup"]
        assert groups[name[2:-1]]["LogGroupName"] == f"/aws/lambda/{function['FunctionName']}"


# ---- who may call ------------------------------------------------------------------------------


def test_anyone_may_call_the_gateway_and_nothing_else(template: Template) -> None:
    (url,) = template.of("AWS::Lambda::Url").values()
    permissions = template.of("AWS::Lambda::Permission")
    public = [each for each in permissions.values() if each["Principal"] == "*"]

    assert url == {"TargetFunctionArn": "${Gateway.Arn}", "AuthType": "NONE"}
    assert {each["FunctionName"] for each in public} == {"${Gateway.Arn}"}
    by_action = {each["Action"]: each for each in public}
    # A URL without authentication needs both.
    assert by_action["lambda:InvokeFunctionUrl"]["FunctionUrlAuthType"] == "NONE"
    assert by_action["lambda:InvokeFunction"]["InvokedViaFunctionUrl"] is True
    assert len(public) == 2


def test_only_the_schedule_may_call_a_worker(template: Template) -> None:
    others = [
        each for each in template.of("AWS::Lambda::Permission").values() if each["Principal"] != "*"
    ]

    assert [(each["FunctionName"], each["SourceArn"]) for each in others] == [
        ("${LogsFunction.Arn}", "${DrainRule.Arn}")
    ]


def test_what_sqs_gave_up_is_brought_back_every_hour(template: Template) -> None:
    (rule,) = template.of("AWS::Events::Rule").values()
    (target,) = rule["Targets"]

    assert rule["ScheduleExpression"] == "rate(1 hour)"
    assert target["Arn"] == "${LogsFunction.Arn}"
    assert json.loads(target["Input"]) == {"drain": "dead"}


# ---- functions ---------------------------------------------------------------------------------


def test_functions_know_every_setting_they_are_given(template: Template) -> None:
    for function in template.of(FUNCTION).values():
        settings = settings_of(function)

        assert settings.backend.value == "aws"
        assert settings.seconds_per_character == Settings().seconds_per_character
        assert str(settings.aws_lanes) == template.parameters["Lanes"]


def test_the_workers_and_nobody_else_are_given_the_file_of_redaction_and_the_key_of_hashes() -> (
    None
):
    text = 'marker = "hash"\n\n[tenants.acme]\noff = ["ipv4"]\n'
    template = Template(RedactionToml=text, RedactionKeySecret="logweir/redaction-key")
    for name, function in template.of(FUNCTION).items():
        given = function["Environment"]["Variables"]
        redaction = {key: value for key, value in given.items() if "REDACTION" in key}
        assert redaction == (
            {}
            if name == "Gateway"
            else {
                "LOGWEIR_REDACTION_TOML": text,
                "LOGWEIR_REDACTION_KEY": "{{resolve:secretsmanager:logweir/redaction-key}}",
            }
        )
        assert settings_of(function).redaction_toml == redaction.get("LOGWEIR_REDACTION_TOML", "")


def test_a_file_of_redaction_leaves_room_for_the_other_variables() -> None:
    """A function has 4 KB of them, their names included."""
    most = raw()["Parameters"]["RedactionToml"]["MaxLength"]
    template = Template(Prefix="a" * 20, RedactionToml="x" * most, RedactionKeySecret="key")
    for function in template.of(FUNCTION).values():
        given = function["Environment"]["Variables"] | {"LOGWEIR_REDACTION_KEY": "k" * 64}
        assert sum(len(f"{name}{value}") for name, value in given.items()) <= 4096 - 256


def test_lambda_does_not_stop_a_log_that_is_tried_again(template: Template) -> None:
    assert {each["RecursiveLoop"] for each in template.of(FUNCTION).values()} == {"Allow"}


# ---- alarms ------------------------------------------------------------------------------------


def test_alarms_watch_what_is_there(template: Template) -> None:
    for alarm in template.of(ALARM).values():
        if alarm["Namespace"] == "Logweir":
            filters = template.of("AWS::Logs::MetricFilter").values()
            assert alarm["MetricName"] in {
                f["MetricTransformations"][0]["MetricName"] for f in filters
            }
            continue
        (dimension,) = alarm["Dimensions"]
        watched = dimension["Value"][2:-1].partition(".")[0]
        kind = {"QueueName": QUEUE, "FunctionName": FUNCTION}[dimension["Name"]]
        assert watched in template.of(kind)


def test_there_is_an_alarm_for_what_must_not_go_unseen(template: Template) -> None:
    watched = {
        (alarm["MetricName"], value)
        for alarm in template.of(ALARM).values()
        for each in alarm.get("Dimensions", [{"Value": ""}])
        for value in [each["Value"][2:-1].partition(".")[0]]
    }
    lanes = {name for name in template.of(QUEUE) if name in WORKERS.values()}

    assert {("ApproximateAgeOfOldestMessage", lane) for lane in lanes} <= watched
    for queue in ("DeadQueue", "QuarantineQueue"):
        assert ("ApproximateNumberOfMessagesVisible", queue) in watched
    assert ("Url5xxCount", "Gateway") in watched
    assert ("logweir-buried", "") in watched


def test_the_filter_of_dead_letters_sees_the_line_that_is_logged_of_one() -> None:
    for each in Template().of("AWS::Logs::MetricFilter").values():
        assert each["FilterPattern"] == '{ $.event = "log_buried" }'
    # It is logged as information, so a higher level would blind the alarm.
    assert set(raw()["Parameters"]["LogLevel"]["AllowedValues"]) == {"debug", "info"}


@pytest.mark.parametrize(("email", "actions"), [("", []), ("a@b.example", ["${AlarmTopic}"])])
def test_alarms_tell_whom_they_are_told_to(email: str, actions: list[str]) -> None:
    template = Template(AlarmEmail=email)

    assert {tuple(alarm["AlarmActions"]) for alarm in template.of(ALARM).values()} == {
        tuple(actions)
    }


# ---- the file ----------------------------------------------------------------------------------


def test_nothing_refers_to_what_is_not_there(template: Template) -> None:
    found = [
        match[1]
        for text in strings([template.resources, template.outputs])
        for match in re.finditer(r"\$\{(\w+)(?:\.\w+)?\}", text)
    ]

    assert set(found) <= set(template.resources)
    assert found


def test_every_condition_every_parameter_and_every_mapping_is_used() -> None:
    text = PATH.read_text()
    for name in (*raw()["Parameters"], *raw()["Conditions"], *raw()["Mappings"]):
        assert len(re.findall(rf"\b{name}\b", text)) > 1, name
    assert set(raw()["Mappings"]["Seconds"]) == set(CHUNK_SECONDS)


def test_it_is_small_enough_to_be_sent_as_it_is() -> None:
    assert PATH.stat().st_size <= TEMPLATE_BYTES_MAX


def test_every_finding_that_is_not_followed_says_why() -> None:
    skips = re.findall(r"#checkov:skip=(\w+)(.*)", PATH.read_text())

    assert skips
    assert all(re.match(r":\S.{5,}", reason) for _, reason in skips)


def test_outputs_say_where_everything_is(template: Template) -> None:
    assert template.outputs["IngestUrl"] == "${GatewayUrl.FunctionUrl}ingest"
    assert all(listed(value) for value in template.outputs.values())
