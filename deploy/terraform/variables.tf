variable "prefix" {
  type        = string
  description = "What the names of all buckets and policies begin with; the names of buckets are unique in the world."
  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,30}$", var.prefix))
    error_message = "Use 2 to 31 lower-case letters, digits and hyphens."
  }
}

variable "vpcs" {
  type        = map(string)
  default     = {}
  description = "The VPC of the clients in each region, which gets a gateway endpoint for S3; none for a region that has one already."
}

variable "days" {
  type        = number
  default     = 30
  description = "After how many days a forgotten object is deleted, counted from its copy; it must be longer than the mirror's retention."
  validation {
    condition     = var.days >= 1 && floor(var.days) == var.days
    error_message = "A lifecycle rule counts whole days."
  }
}
