"""What does supervision itself cost?"""
