"""podkeeper's extension of A1111 and Forge, as it is copied into their folder `extensions`.

It runs inside the WebUI, from Python 3.10 on, and uses nothing that is not there already. A1111
loads `scripts/podkeeper.py`; all else is the package beside it, which imports itself relatively
because it has another name here than there.
"""
