"""Does planning by memory keep jobs from running out of it, and what does it cost?"""
