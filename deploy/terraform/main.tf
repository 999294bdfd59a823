# An example for AWS: a pool in each of two regions, and the mirror's permissions. Copy a `provider` and a `module` for each further region.
#
#   terraform init && terraform plan -var prefix=my-company -var 'vpcs={"eu-central-1"="vpc-…","us-west-2"="vpc-…"}'
#
# Reading a bucket from EC2 in its own region is free of transfer charges only through the gateway endpoint, or over a public address of the instance:
# through a NAT gateway each byte is paid for. So the endpoint belongs to the pool.

# This example has not been applied. `terraform fmt` accepts it; anything more would have needed an account.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0, < 7.0"
    }
  }
}

provider "aws" {
  alias  = "eu_central_1"
  region = "eu-central-1"
}

provider "aws" {
  alias  = "us_west_2"
  region = "us-west-2"
}

module "eu_central_1" {
  source    = "./region"
  providers = { aws = aws.eu_central_1 }
  bucket    = "${var.prefix}-mirror-eu-central-1"
  vpc       = lookup(var.vpcs, "eu-central-1", null)
  days      = var.days
}

module "us_west_2" {
  source    = "./region"
  providers = { aws = aws.us_west_2 }
  bucket    = "${var.prefix}-mirror-us-west-2"
  vpc       = lookup(var.vpcs, "us-west-2", null)
  days      = var.days
}

locals {
  buckets = [module.eu_central_1.bucket_arn, module.us_west_2.bucket_arn]
}

# The same permissions as in docs/operations.md. A process that serves and copies needs both.
data "aws_iam_policy_document" "front_end" {
  statement {
    actions   = ["s3:DeleteObject", "s3:GetObject"]
    resources = [for arn in local.buckets : "${arn}/*"]
  }
  statement {
    actions   = ["s3:ListBucket"]
    resources = local.buckets
  }
}

data "aws_iam_policy_document" "copier" {
  statement {
    actions   = ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
    resources = [for arn in local.buckets : "${arn}/*"]
  }
  statement {
    actions   = ["s3:ListBucket"]
    resources = local.buckets
  }
}

resource "aws_iam_policy" "front_end" {
  provider = aws.eu_central_1
  name     = "${var.prefix}-mirror-front-end"
  policy   = data.aws_iam_policy_document.front_end.json
}

resource "aws_iam_policy" "copier" {
  provider = aws.eu_central_1
  name     = "${var.prefix}-mirror-copier"
  policy   = data.aws_iam_policy_document.copier.json
}
