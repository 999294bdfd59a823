# One region: a private bucket, rules that clean up behind a mirror that is gone, and the way to it that costs nothing.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "bucket" {
  type = string
}

variable "vpc" {
  type     = string
  default  = null
  nullable = true
}

variable "days" {
  type = number
}

data "aws_region" "here" {}

resource "aws_s3_bucket" "pool" {
  bucket = var.bucket
}

resource "aws_s3_bucket_public_access_block" "pool" {
  bucket                  = aws_s3_bucket.pool.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "pool" {
  bucket = aws_s3_bucket.pool.id
  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

# A safety net only: the mirror itself deletes what was not used.
resource "aws_s3_bucket_lifecycle_configuration" "pool" {
  bucket = aws_s3_bucket.pool.id
  rule {
    id     = "forgotten-objects"
    status = "Enabled"
    filter {}
    expiration {
      days = var.days
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }
}

data "aws_route_tables" "clients" {
  count  = var.vpc == null ? 0 : 1
  vpc_id = var.vpc
}

resource "aws_vpc_endpoint" "s3" {
  count             = var.vpc == null ? 0 : 1
  vpc_id            = var.vpc
  service_name      = "com.amazonaws.${data.aws_region.here.name}.s3"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = data.aws_route_tables.clients[0].ids
}

output "bucket" {
  value = aws_s3_bucket.pool.id
}

output "bucket_arn" {
  value = aws_s3_bucket.pool.arn
}
