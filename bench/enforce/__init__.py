"""How long may a program stay above its memory limit?"""
