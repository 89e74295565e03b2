"""The only impure files that are allowed to be boring: they move values between the parts."""
