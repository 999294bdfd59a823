"""Shows that the servers take what Google's, Microsoft's and rclone's own clients send, and refuse what is wrong."""
