"""What podkeeper asks a WebUI from within: memory, all stacks, and memory given back.

`plug` is where the WebUI calls in, `routes` what can be asked, `host` the only door to the WebUI's
own modules. Whatever is missing there is said in the answer and breaks nothing.
"""
