"""One small FastAGI server for each peer, all running the same call.

They run in a virtual environment of their own (`requirements.txt`) and know nothing of this project: each file is a
program that takes a free port of 127.0.0.1, prints it, and serves until it is killed. Each is written as its library's
documentation shows, with the library's own vocabulary where it has one.
"""
