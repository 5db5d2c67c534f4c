"""One small FastAGI server for each peer, all running the same call.

They run in a separate virtual environment (`requirements.txt`) and do not import this project. Each file is a program
that takes a free port of 127.0.0.1, prints it, and serves until it is killed. Each follows its library's documentation
and uses the library's own commands where it has any.
"""
