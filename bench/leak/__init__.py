"""Which of the ways to tell a leak from noise can be trusted?"""
