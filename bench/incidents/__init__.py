"""How many incidents does a rule open, and does it miss any pod that is truly full?"""
