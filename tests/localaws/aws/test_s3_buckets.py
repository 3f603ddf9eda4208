from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError
from botocore.handlers import validate_bucket_name
from s3_help import code_of

from localaws.pytest_plugin import LocalAws


@pytest.fixture
def bucket(localaws: LocalAws) -> str:
    name = f"b-{localaws.account}"
    localaws.client("s3").create_bucket(Bucket=name)
    return name


def test_a_bucket_comes_and_goes(localaws: LocalAws) -> None:
    s3 = localaws.client("s3")
    names = [f"{part}-{localaws.account}" for part in ("z", "a", "m")]
    for name in names:
        assert s3.create_bucket(Bucket=name)["Location"] == f"/{name}"
    answer = s3.list_buckets()
    assert [bucket["Name"] for bucket in answer["Buckets"]] == sorted(names)
    assert len(answer["Owner"]["ID"]) == 64
    page = s3.list_buckets(MaxBuckets=2)
    rest = s3.list_buckets(MaxBuckets=2, ContinuationToken=page["ContinuationToken"])
    assert [b["Name"] for b in page["Buckets"] + rest["Buckets"]] == sorted(names)
    assert "ContinuationToken" not in rest
    assert [b["Name"] for b in s3.list_buckets(Prefix="m-")["Buckets"]] == [names[2]]
    s3.delete_bucket(Bucket=names[0])
    with pytest.raises(ClientError) as missing:
        s3.head_bucket(Bucket=names[0])
    assert missing.value.response["Error"]["Code"] == "404"
    with pytest.raises(ClientError) as again:
        s3.delete_bucket(Bucket=names[0])
    error = again.value.response["Error"]
    assert error["Code"] == "NoSuchBucket"
    assert error["Message"] == "The specified bucket does not exist"
    assert error["BucketName"] == names[0]


def test_regions(localaws: LocalAws) -> None:
    home = localaws.client("s3")
    ireland = localaws.client("s3", region_name="eu-west-1")
    name = f"eu-{localaws.account}"
    there = {"LocationConstraint": "eu-west-1"}
    create = ireland.create_bucket
    assert code_of(create, Bucket=name) == "IllegalLocationConstraintException"
    other = {"LocationConstraint": "eu-central-1"}
    assert (
        code_of(create, Bucket=name, CreateBucketConfiguration=other)
        == "IllegalLocationConstraintException"
    )
    assert create(Bucket=name, CreateBucketConfiguration=there)["Location"] == (
        f"http://{name}.s3.amazonaws.com/"
    )
    assert (
        code_of(create, Bucket=name, CreateBucketConfiguration=there) == "BucketAlreadyOwnedByYou"
    )
    assert ireland.get_bucket_location(Bucket=name)["LocationConstraint"] == "eu-west-1"
    assert home.head_bucket(Bucket=name)["BucketRegion"] == "eu-west-1"
    at_home = f"us-{localaws.account}"
    for _ in range(2):  # in us-east-1 the owner may create again
        home.create_bucket(Bucket=at_home)
    assert home.get_bucket_location(Bucket=at_home)["LocationConstraint"] is None


@pytest.mark.parametrize(
    "name", ["ab", "Upper", "under_score", "-a-b", "a..b", "192.168.5.4", "xn--abc", "a" * 64]
)
def test_names_that_are_not_valid(localaws: LocalAws, name: str) -> None:
    s3 = localaws.client("s3")
    s3.meta.events.unregister("before-parameter-build.s3", validate_bucket_name)
    assert code_of(s3.create_bucket, Bucket=name) == "InvalidBucketName"


def test_another_account_is_kept_out(localaws: LocalAws, bucket: str) -> None:
    own = localaws.client("s3")
    own.put_object(Bucket=bucket, Key="k", Body=b"mine")
    foreign = localaws.client("s3", aws_access_key_id="999999999999")
    assert code_of(foreign.create_bucket, Bucket=bucket) == "BucketAlreadyExists"
    for call in (
        lambda: foreign.get_object(Bucket=bucket, Key="k"),
        lambda: foreign.list_objects_v2(Bucket=bucket),
        lambda: foreign.delete_object(Bucket=bucket, Key="k"),
        lambda: foreign.delete_bucket(Bucket=bucket),
        lambda: foreign.put_object(Bucket=bucket, Key="k", Body=b"theirs"),
        lambda: own.get_object(Bucket=bucket, Key="k", ExpectedBucketOwner="999999999999"),
    ):
        assert code_of(call) == "AccessDenied"
    assert own.get_object(Bucket=bucket, Key="k")["Body"].read() == b"mine"
    assert own.head_object(Bucket=bucket, Key="k", ExpectedBucketOwner=localaws.account)


def test_tags(localaws: LocalAws, bucket: str) -> None:
    s3 = localaws.client("s3")
    assert code_of(s3.get_bucket_tagging, Bucket=bucket) == "NoSuchTagSet"
    tags = [{"Key": "team", "Value": "cards"}, {"Key": "env", "Value": ""}]
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == tags
    twice = {"TagSet": [tags[0], tags[0]]}
    assert code_of(s3.put_bucket_tagging, Bucket=bucket, Tagging=twice) == "InvalidTag"
    s3.delete_bucket_tagging(Bucket=bucket)
    assert code_of(s3.get_bucket_tagging, Bucket=bucket) == "NoSuchTagSet"


def test_documents_are_answered_as_they_were_put(localaws: LocalAws, bucket: str) -> None:
    s3 = localaws.client("s3")
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    assert code_of(s3.get_bucket_policy, Bucket=bucket) == "NoSuchBucketPolicy"
    assert code_of(s3.put_bucket_policy, Bucket=bucket, Policy="{") == "MalformedPolicy"
    s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    assert s3.get_bucket_policy(Bucket=bucket)["Policy"] == policy
    s3.delete_bucket_policy(Bucket=bucket)
    assert code_of(s3.get_bucket_policy, Bucket=bucket) == "NoSuchBucketPolicy"

    block = dict.fromkeys(
        ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
    )
    assert (
        code_of(s3.get_public_access_block, Bucket=bucket) == "NoSuchPublicAccessBlockConfiguration"
    )
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=block)
    answer = s3.get_public_access_block(Bucket=bucket)
    assert answer["PublicAccessBlockConfiguration"] == block
    s3.delete_public_access_block(Bucket=bucket)

    rules = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    controls = {"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=controls)
    assert s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"] == controls

    assert (
        code_of(s3.get_bucket_lifecycle_configuration, Bucket=bucket)
        == "NoSuchLifecycleConfiguration"
    )
    lifecycle = [
        {
            "ID": "old",
            "Status": "Enabled",
            "Filter": {"Prefix": "raw/"},
            "Expiration": {"Days": 30},
        }
    ]
    s3.put_bucket_lifecycle_configuration(
        Bucket=bucket, LifecycleConfiguration={"Rules": lifecycle}
    )
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"] == lifecycle
    s3.delete_bucket_lifecycle(Bucket=bucket)
    grants = s3.get_bucket_acl(Bucket=bucket)["Grants"]
    assert [grant["Permission"] for grant in grants] == ["FULL_CONTROL"]


def test_what_would_be_without_effect_is_refused(localaws: LocalAws, bucket: str) -> None:
    s3 = localaws.client("s3")
    enabled = {"Status": "Enabled"}
    assert (
        code_of(s3.put_bucket_versioning, Bucket=bucket, VersioningConfiguration=enabled)
        == "NotImplemented"
    )
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Suspended"
    queue = {"QueueArn": "arn:aws:sqs:us-east-1:1:q", "Events": ["s3:ObjectCreated:*"]}
    assert (
        code_of(
            s3.put_bucket_notification_configuration,
            Bucket=bucket,
            NotificationConfiguration={"QueueConfigurations": [queue]},
        )
        == "NotImplemented"
    )


def test_a_bucket_with_objects_stays(localaws: LocalAws, bucket: str) -> None:
    s3 = localaws.client("s3")
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert code_of(s3.delete_bucket, Bucket=bucket) == "BucketNotEmpty"
    s3.create_multipart_upload(Bucket=bucket, Key="open")
    s3.delete_object(Bucket=bucket, Key="k")
    s3.delete_bucket(Bucket=bucket)
