"""How long is a program gone that was killed?"""
