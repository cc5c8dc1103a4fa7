"""Who people are: tokens, masking, roles."""
