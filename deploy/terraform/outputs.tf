output "configuration" {
  description = "For the mirror's configuration."
  value = yamlencode({
    pools = {
      "s3/eu-central-1" = { bucket = module.eu_central_1.bucket, access = "presigned" }
      "s3/us-west-2"    = { bucket = module.us_west_2.bucket, access = "presigned" }
    }
  })
}

output "policies" {
  description = "To attach to the roles of front ends and copiers."
  value       = { front_end = aws_iam_policy.front_end.arn, copier = aws_iam_policy.copier.arn }
}
