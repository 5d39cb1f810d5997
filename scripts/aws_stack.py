"""A CloudFormation stack: changed by a change set, followed by its events, taken away."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from botocore.exceptions import ClientError
from scripts.aws_cloud import Cloud, DeployError, Say

_GONE: Final = "DELETE_COMPLETE"
# What a first creation that failed leaves: nothing that could be changed, only taken away.
_FAILED_BIRTHS: Final = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED", "CREATE_FAILED")
_SETTLED: Final = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE")
_NO_CHANGES: Final = ("didn't contain changes", "No updates are to be performed")


class Stack:
    """One stack, by its name."""

    def __init__(self, cloud: Cloud, name: str, say: Say = print) -> None:
        """Nothing is asked yet."""
        self.name = name
        self._formation = cloud.client("cloudformation")
        self._poll_seconds = cloud.poll_seconds
        self._say = say

    def describe(self) -> dict[str, Any] | None:
        """What CloudFormation says of it; None where it is not."""
        try:
            (stack,) = self._formation.describe_stacks(StackName=self.name)["Stacks"]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        return None if stack["StackStatus"] == _GONE else dict(stack)

    def parameters(self) -> dict[str, str]:
        """Those that it was made with; none where it is not."""
        given = (self.describe() or {}).get("Parameters", [])
        return {each["ParameterKey"]: each["ParameterValue"] for each in given}

    def outputs(self) -> dict[str, str]:
        """By name. Raises DeployError where there is no such stack."""
        stack = self.describe()
        if stack is None:
            raise DeployError(f"there is no stack {self.name} in this region")
        return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}

    def change(
        self,
        template: str,
        parameters: Mapping[str, str],
        agreed: Callable[[], bool] = lambda: True,
        *,
        takes_over: Callable[[], bool] = lambda: False,
    ) -> None:
        """Make or change it, where it differs from the template and the parameters.

        A parameter that is not given stays as it is. ``agreed`` is asked once the changes are
        shown; ``takes_over`` whether a new stack is to take over what is there. Raises DeployError.
        """
        stack = self._changeable()
        before = set() if stack is None else set(self.parameters())
        validated = self._formation.validate_template(TemplateBody=template)
        known = {each["ParameterKey"] for each in validated["Parameters"]}
        if unknown := sorted(set(parameters) - known):
            raise DeployError(f"there is no parameter {', '.join(unknown)}")
        kept = (before & known) - set(parameters)
        change_set = self._formation.create_change_set(
            StackName=self.name,
            ChangeSetName=f"{self.name}-{time.time_ns()}",
            ChangeSetType="CREATE" if stack is None else "UPDATE",
            TemplateBody=template,
            Parameters=[
                *({"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()),
                *({"ParameterKey": k, "UsePreviousValue": True} for k in sorted(kept)),
            ],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
            Tags=[{"Key": "application", "Value": "logweir"}],
            ImportExistingResources=stack is None and takes_over(),
        )["Id"]
        if not self._awaits_execution(change_set):
            self._say("nothing to change")
            return
        if not agreed():
            self._formation.delete_change_set(ChangeSetName=change_set)
            if stack is None:
                self._formation.delete_stack(StackName=self.name)
            raise DeployError("Nothing was done.")
        seen = self._seen()
        self._formation.execute_change_set(ChangeSetName=change_set)
        status = self._follow(self.name, seen)
        if status not in _SETTLED:
            raise DeployError(f"the stack is {status}: the first failure above says why")

    def delete(self) -> None:
        """Take it away. Raises DeployError."""
        stack = self.describe()
        if stack is None:
            return
        seen = self._seen()
        self._formation.delete_stack(StackName=self.name)
        # By its id, since one that is gone has lost its name.
        status = self._follow(stack["StackId"], seen)
        if status != _GONE:
            raise DeployError(f"the stack is {status}: the first failure above says why")

    def _changeable(self) -> dict[str, Any] | None:
        stack = self.describe()
        if stack is None or stack["StackStatus"] == "REVIEW_IN_PROGRESS":
            return None
        status: str = stack["StackStatus"]
        if status.endswith("_IN_PROGRESS"):
            raise DeployError(f"the stack is {status}: wait until it ends, and run it again")
        if status in _FAILED_BIRTHS:
            self._say(f"the stack is {status}: it is taken away, and made anew")
            self.delete()
            return None
        return stack

    def _awaits_execution(self, change_set: str) -> bool:
        """Shows the changes; false where there are none."""
        while True:
            found = self._formation.describe_change_set(ChangeSetName=change_set)
            if found["Status"] in ("CREATE_COMPLETE", "FAILED"):
                break
            time.sleep(self._poll_seconds)
        reason = found.get("StatusReason", "")
        if found["Status"] == "FAILED":
            self._formation.delete_change_set(ChangeSetName=change_set)
            if any(words in reason for words in _NO_CHANGES):
                return False
            raise DeployError(f"CloudFormation refuses the change: {reason}")
        for each in found["Changes"]:
            change = each["ResourceChange"]
            replaced = "  (replaced!)" if change.get("Replacement") == "True" else ""
            self._say(
                f"  {change['Action']:<7} {change['ResourceType']:<32}"
                f" {change['LogicalResourceId']}{replaced}"
            )
        return True

    def _follow(self, name: str, seen: set[str]) -> str:
        """Says each event that was not seen, until the stack's own last one: its status.

        Not what ``describe`` says: it may still be that of the change before.
        """
        while True:
            for event in self._events(name):
                if event["EventId"] in seen:
                    continue
                seen.add(event["EventId"])
                self._say(_line(event))
                status: str = event["ResourceStatus"]
                is_its_own = event["PhysicalResourceId"] == event["StackId"]
                if is_its_own and not status.endswith("_IN_PROGRESS"):
                    return status
            time.sleep(self._poll_seconds)

    def _seen(self) -> set[str]:
        return {event["EventId"] for event in self._events(self.name)}

    def _events(self, name: str) -> Iterator[dict[str, Any]]:
        """The latest hundred, oldest first."""
        try:
            events = self._formation.describe_stack_events(StackName=name)["StackEvents"]
        except ClientError as error:
            if "does not exist" not in str(error):
                raise
            return
        yield from reversed(events)


def _line(event: dict[str, Any]) -> str:
    at = event["Timestamp"].strftime("%H:%M:%S")
    reason = event.get("ResourceStatusReason", "")
    shown = f": {reason}" if reason and "FAILED" in event["ResourceStatus"] else ""
    return f"  {at} {event['ResourceStatus']:<20} {event['LogicalResourceId']}{shown}"
