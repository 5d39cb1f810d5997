"""The bucket that CloudFormation takes the functions' code from, each bundle under its own hash."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import ClientError
from scripts.aws_cloud import Cloud, Say

_NOT_FOUND: Final = ("404", "NoSuchBucket", "NotFound")


def upload(cloud: Cloud, prefix: str, code: Path, say: Say = print) -> tuple[str, str]:
    """Put the bundle into the bucket, under its hash: the bucket's and the bundle's names."""
    s3, owned = cloud.client("s3"), _owned_bucket(cloud, prefix)
    key = f"{hashlib.sha256(code.read_bytes()).hexdigest()}.zip"
    if not _is_there(s3, owned):
        _make_bucket(cloud, s3, owned)
    if "Contents" in s3.list_objects_v2(**owned, Prefix=key):
        say("the bundle is there already")
    else:
        say(f"uploading {code.stat().st_size / 2**20:.1f} MiB to s3://{owned['Bucket']}/{key}")
        s3.put_object(**owned, Key=key, Body=code.read_bytes())
    return owned["Bucket"], key


def empty_and_delete(cloud: Cloud, prefix: str) -> None:
    """Take it away, with every bundle."""
    s3, owned = cloud.client("s3"), _owned_bucket(cloud, prefix)
    if not _is_there(s3, owned):
        return
    for page in s3.get_paginator("list_objects_v2").paginate(**owned):
        for found in page.get("Contents", []):
            s3.delete_object(**owned, Key=found["Key"])
    s3.delete_bucket(**owned)


def _owned_bucket(cloud: Cloud, prefix: str) -> dict[str, str]:
    # Anybody could have a bucket of this name: so each call says whose it must be.
    account = cloud.account
    return {"Bucket": f"{prefix}-{account}-{cloud.region}", "ExpectedBucketOwner": account}


def _is_there(s3: Any, owned: Mapping[str, str]) -> bool:
    try:
        s3.head_bucket(**owned)
    except ClientError as error:
        if error.response["Error"]["Code"] in _NOT_FOUND:
            return False
        raise
    return True


def _make_bucket(cloud: Cloud, s3: Any, owned: Mapping[str, str]) -> None:
    """Private and encrypted. Without versions: no bundle is ever written over."""
    where = {"CreateBucketConfiguration": {"LocationConstraint": cloud.region}}
    s3.create_bucket(Bucket=owned["Bucket"], **({} if cloud.region == "us-east-1" else where))
    walls = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    s3.put_public_access_block(**owned, PublicAccessBlockConfiguration=dict.fromkeys(walls, True))
    encryption = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    s3.put_bucket_encryption(**owned, ServerSideEncryptionConfiguration={"Rules": [encryption]})
